package main

import (
	"context"
	"errors"
	"slices"
	"testing"

	"go.uber.org/zap"

	"maskline/api/guard"
)

// A key is suspended though the store takes it only later, and though the edge ends
// before.
func TestAlarmsAreTriedUntilTheyAreActedOn(t *testing.T) {
	_, r := stocked(t)
	t.Run("the store is away for a moment", func(t *testing.T) {
		a := newAlarms(r.changes, zap.NewNop())
		suspended := make(chan string, 10)
		tries := 0
		a.suspend = func(_ context.Context, key string) error {
			if tries++; tries == 1 {
				return errors.New("away")
			}
			suspended <- key
			return nil
		}
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); a.run(ctx) }()
		a.Suspended(guard.Who{Key: "key_1", Tenant: "shop"}, guard.Score{})
		if key := <-suspended; key != "key_1" {
			t.Errorf("%s is suspended", key)
		}
		end()
		<-ended
	})
	t.Run("the edge ends", func(t *testing.T) {
		a := newAlarms(r.changes, zap.NewNop())
		var suspended []string
		a.suspend = func(_ context.Context, key string) error { suspended = append(suspended, key); return nil }
		a.Suspended(guard.Who{Key: "key_2", Tenant: "shop"}, guard.Score{})
		a.Detected(guard.Who{Key: "key_3", Tenant: "shop"}, guard.Score{})
		ctx, end := context.WithCancel(t.Context())
		end()
		a.run(ctx)
		if !slices.Equal(slices.Compact(suspended), []string{"key_2"}) { // again, if it was begun when the edge ended
			t.Errorf("suspended are %v", suspended)
		}
	})
	acts := r.did()
	for _, want := range []string{"edge abuse.suspended", "edge abuse.detected"} {
		if !slices.Contains(acts, want) {
			t.Errorf("not in the audit: %s; %q", want, acts)
		}
	}
}

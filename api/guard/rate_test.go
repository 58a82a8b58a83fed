package guard

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestRateOfAKey(t *testing.T) {
	w := newWorld(t, &Rules{Rate: 10}, Config{})
	who := Who{Key: "key_a", Tenant: "shop"}
	for i := range 10 {
		a, err := w.Admit(who)
		if err != nil || len(a.Policies) != 1 || a.Policies[0].Name != "key" || a.Policies[0].Quota != 10 || a.Policies[0].Remaining != 9-i {
			t.Fatalf("request %d: %+v, %v", i, a.Policies, err)
		}
		a.Done()
	}
	a, err := w.Admit(who)
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Code != CodeRateLimited || refusal.RetryAfter != 100*time.Millisecond || a.Policies[0].Remaining != 0 {
		t.Fatalf("%+v, %+v", refusal, a.Policies)
	}
	if _, err := w.Admit(Who{Key: "key_b", Tenant: "shop"}); err != nil {
		t.Error("another key of the tenant is limited too", err)
	}
	w.pass(refusal.RetryAfter)
	if _, err := w.Admit(who); err != nil {
		t.Error("after Retry-After", err)
	}
	w.SetRules(&Rules{})
	for range 100 {
		if _, err := w.Admit(who); err != nil {
			t.Fatal("without a limit", err)
		}
	}
}

func TestLimitsOfATenant(t *testing.T) {
	rules := &Rules{Default: TenantLimits{Rate: 5}, Tenants: map[string]TenantRules{"large": {TenantLimits: TenantLimits{Rate: 8}}}}
	w := newWorld(t, rules, Config{})
	for tenant, want := range map[string]int{"small": 5, "large": 8} {
		let := 0
		for i := range 20 {
			a, err := w.Admit(Who{Key: fmt.Sprintf("key_%d", i), Tenant: tenant})
			if err == nil {
				let++
				a.Done()
			} else if codeOf(err) != CodeRateLimited {
				t.Fatal(err)
			}
		}
		if let != want {
			t.Errorf("%s: %d requests of all its keys were let in, want %d", tenant, let, want)
		}
	}
	for range 100 {
		if _, err := w.Admit(Who{Key: "key_operator"}); err != nil {
			t.Fatal("the operator has no tenant's limit", err)
		}
	}
}

func TestARefusedTenantDoesNotUseUpItsKeys(t *testing.T) {
	w := newWorld(t, &Rules{Rate: 100, Default: TenantLimits{Inflight: 1}}, Config{})
	who := Who{Key: "key_a", Tenant: "shop"}
	first, err := w.Admit(who)
	if err != nil {
		t.Fatal(err)
	}
	for range 200 {
		if _, err := w.Admit(who); codeOf(err) != CodeRateLimited {
			t.Fatal(err)
		}
	}
	if _, err := w.Admit(Who{Key: "key_b", Tenant: "other"}); err != nil {
		t.Error("another tenant waits", err)
	}
	first.Done()
	if a, err := w.Admit(who); err != nil || a.Policies[0].Remaining != 98 {
		t.Errorf("%+v, %v", a.Policies, err)
	}
}

func TestUnderWayIsCountedAmongGoroutines(t *testing.T) {
	w := newWorld(t, &Rules{Default: TenantLimits{Inflight: 8}}, Config{})
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 200 {
				if a, err := w.Admit(Who{Key: "key_a", Tenant: "shop"}); err == nil {
					a.Done()
				}
			}
		})
	}
	wg.Wait()
	w.tenants.find("shop", func(s *tenantState) {
		if s.underWay != 0 {
			t.Errorf("%d are under way for ever", s.underWay)
		}
	})
}

func TestMemoryIsBounded(t *testing.T) {
	w := newWorld(t, &Rules{Rate: 1, Score: ScoreConfig{Allocations: 1, Throttle: 1}}, Config{Keys: 64})
	for i := range 10_000 {
		_, _ = w.Admit(Who{Key: fmt.Sprint("key_", i), Tenant: fmt.Sprint("tenant_", i)})
	}
	if n := w.keys.len() + w.tenants.len(); n > 128 {
		t.Errorf("%d entries", n)
	}
	_, _ = w.Admit(Who{Key: "key_9999"})
	if _, err := w.Admit(Who{Key: "key_9999"}); err == nil {
		t.Error("the key that was seen last is forgotten")
	}
}

func BenchmarkAdmit(b *testing.B) {
	g := benchGuard(b, &Rules{Rate: 1 << 30, Default: TenantLimits{Rate: 1 << 30, Inflight: 1 << 30}, Score: testScore()})
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			a, _ := g.Admit(Who{Key: "key_a", Tenant: "shop"})
			a.Done()
		}
	})
}

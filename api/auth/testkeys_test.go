package auth

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"maskline/api/problem"
)

func TestWhatLooksLikeATestKey(t *testing.T) {
	test, live := NewTestText(), NewText()
	if !strings.HasPrefix(test, "sk_test_") || len(test) != len(live) || publicOf(test) == "" {
		t.Fatalf("a test key of %d characters", len(test))
	}
	for name, c := range map[string]struct {
		fields []string
		want   bool
	}{
		"a test key": {[]string{"Bearer " + test}, true}, "a live key": {[]string{"Bearer " + live}, false}, "none": {nil, false},
		"two": {[]string{"Bearer " + test, "Bearer " + live}, false}, "cut off": {[]string{"Bearer " + test[:20]}, false}, "no scheme": {[]string{test}, false},
	} {
		if IsTest(c.fields) != c.want {
			t.Errorf("%s: it is taken for another kind", name)
		}
	}
}

func TestTestKeysMakeTestKeysAlone(t *testing.T) {
	k, _ := keysOver(t, &kept{})
	if err := k.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	var p *problem.Error
	if _, _, err := k.Create(t.Context(), Local(), &Wanted{Role: Owner, Test: true}); !errors.As(err, &p) || p.Code != problem.ValidationFailed {
		t.Errorf("a test key of nobody: %v", err)
	}
	_, live, err := k.Create(t.Context(), Local(), &Wanted{Tenant: "shop", Role: Owner})
	if err != nil {
		t.Fatal(err)
	}
	text, test, err := k.Create(t.Context(), Local(), &Wanted{Tenant: "shop", Role: Owner, Test: true})
	if err != nil || !IsTestKey(&test) || IsTestKey(&live) {
		t.Fatal(err)
	}
	r, _ := http.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+text)
	who, err := k.Authenticate(r)
	if err != nil || !who.Test || who.Tenant != "shop" {
		t.Fatalf("%+v %v", who, err)
	}
	if _, _, err := k.Create(t.Context(), who, &Wanted{Tenant: "shop", Role: ReadOnly}); !errors.As(err, &p) || p.Code != problem.InsufficientScope {
		t.Errorf("a test key makes a live one: %v", err)
	}
	for name, do := range map[string]func() error{
		"revokes": func() error { _, err := k.Revoke(t.Context(), who, live.ID); return err },
		"rotates": func() error { _, _, err := k.Rotate(t.Context(), who, live.ID, 0); return err },
	} {
		if err := do(); !errors.As(err, &p) || p.Code != problem.NotFound {
			t.Errorf("a test key %s a live one: %v", name, err)
		}
	}
	if _, next, err := k.Rotate(t.Context(), who, test.ID, 0); err != nil || !IsTestKey(&next) {
		t.Errorf("a rotated test key is none: %v", err)
	}
}

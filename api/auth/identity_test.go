package auth

import (
	"slices"
	"testing"

	"maskline/numberdb"
)

func TestNobodySeesNothing(t *testing.T) {
	who := From(t.Context())
	if who.Operator() || who.Scoped("") != nobody || who.Scoped("shop") != nobody {
		t.Errorf("%+v", who)
	}
	for _, scope := range Scopes() {
		if who.May(scope) {
			t.Errorf("may %s", scope)
		}
	}
}

func TestATenantIsBoundToItself(t *testing.T) {
	shop, operator := &Identity{Tenant: "shop"}, &Identity{}
	for asked, want := range map[string]string{"": "shop", "other": "shop", numberdb.AnyTenant: "shop"} {
		if got := shop.Scoped(asked); got != want {
			t.Errorf("%q: %q", asked, got)
		}
	}
	for asked, want := range map[string]string{"": numberdb.AnyTenant, "other": "other"} {
		if got := operator.Scoped(asked); got != want {
			t.Errorf("%q: %q", asked, got)
		}
	}
}

func TestRoles(t *testing.T) {
	for _, role := range Roles() {
		if len(role.Scopes()) == 0 {
			t.Errorf("%s may nothing", role)
		}
		if slices.Contains(role.Usual(), PIIRead) {
			t.Errorf("%s shows whole numbers without being asked to", role)
		}
		for _, scope := range role.Scopes() {
			if !slices.Contains(Scopes(), scope) {
				t.Errorf("%s has the unknown scope %s", role, scope)
			}
		}
	}
	if Role("root").Scopes() != nil {
		t.Error("an unknown role may something")
	}
	for _, role := range []Role{Auditor, ReadOnly} {
		for _, scope := range role.Scopes() {
			if scope == SessionsWrite || scope == KeysWrite || scope == Admin || scope == NumbersWrite {
				t.Errorf("%s may %s", role, scope)
			}
		}
	}
}

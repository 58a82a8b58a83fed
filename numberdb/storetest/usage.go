package storetest

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"maskline/numberdb"
)

// usageCases are the part of the contract about what traffic came to.
func usageCases() []contractCase {
	return []contractCase{
		{"usage is summed over those who counted it", usageSummed},
		{"usage is found by tenant and days, and forgotten", usageFound},
	}
}

func usageOf(t *testing.T, db Database) numberdb.UsageStore {
	t.Helper()
	s, is := openRegistry(t, db).(numberdb.UsageStore)
	if !is {
		t.Fatal("the store keeps no usage")
	}
	return s
}

func putUsage(t *testing.T, s numberdb.UsageStore, holder string, rows ...numberdb.Usage) {
	t.Helper()
	if err := s.PutUsage(t.Context(), holder, rows); err != nil {
		t.Fatal(err)
	}
}

func wantUsage(t *testing.T, s numberdb.UsageStore, q numberdb.UsageQuery, want ...numberdb.Usage) {
	t.Helper()
	got, err := s.Usage(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func usageSummed(t *testing.T, db Database) {
	s := usageOf(t, db)
	const day = 20_000
	putUsage(t, s, "a", numberdb.Usage{Tenant: "shop", Day: day, Messages: 1, Cost: 5})
	putUsage(t, s, "a", numberdb.Usage{Tenant: "shop", Day: day, Messages: 7, Calls: 2, Seconds: 61, Cost: 900}) // again, later
	putUsage(t, s, "b", numberdb.Usage{Tenant: "shop", Day: day, Messages: 3, Calls: 1, Seconds: 9, Cost: 1 << 40}, numberdb.Usage{Day: day, Messages: 4})
	all := numberdb.UsageQuery{Tenant: numberdb.AnyTenant, From: day, To: day}
	wantUsage(t, s, all,
		numberdb.Usage{Day: day, Messages: 4},
		numberdb.Usage{Tenant: "shop", Day: day, Messages: 10, Calls: 3, Seconds: 70, Cost: 1<<40 + 900})
	all.Except = "b"
	wantUsage(t, s, all, numberdb.Usage{Tenant: "shop", Day: day, Messages: 7, Calls: 2, Seconds: 61, Cost: 900})
	for _, wrong := range []numberdb.Usage{{Tenant: "a\x00b", Day: day}, {Day: -1}, {Day: day, Cost: -1}} {
		if s.PutUsage(t.Context(), "a", []numberdb.Usage{wrong}) == nil {
			t.Errorf("%+v is written", wrong)
		}
	}
}

func usageFound(t *testing.T, db Database) {
	s := usageOf(t, db)
	var rows []numberdb.Usage
	for day := numberdb.Day(10); day < 20; day++ {
		for _, tenant := range []string{"", "other", "shop"} {
			rows = append(rows, numberdb.Usage{Tenant: tenant, Day: day, Messages: int64(day)})
		}
	}
	putUsage(t, s, "a", rows...)
	wantUsage(t, s, numberdb.UsageQuery{Tenant: numberdb.AnyTenant, From: 0, To: 100}, rows...)
	wantUsage(t, s, numberdb.UsageQuery{Tenant: "shop", From: 12, To: 13}, rows[8], rows[11])
	wantUsage(t, s, numberdb.UsageQuery{Tenant: "", From: 12, To: 12}, rows[6])
	if err := s.ForgetUsage(t.Context(), 19); err != nil {
		t.Fatal(err)
	}
	wantUsage(t, s, numberdb.UsageQuery{Tenant: numberdb.AnyTenant, From: 0, To: 100}, slices.Clone(rows[27:])...)
}

package allocator

import (
	"errors"
	"testing"
	"time"

	"maskline/e164"
	"maskline/numberdb"
)

// sessionOf is the session that a request and its decision make.
func sessionOf(r *Request, d *Decision) *numberdb.Session {
	s := &numberdb.Session{ID: r.Session, Tenant: r.Tenant, Pool: r.Pool, Shape: r.Shape, Services: r.Services, Expires: r.Expires}
	for _, side := range r.Sides {
		s.Participants = append(s.Participants, numberdb.Participant{Number: side.Number, To: side.To})
	}
	d.Apply(s)
	return s
}

func TestBothSidesReachEachOther(t *testing.T) {
	for _, shape := range []numberdb.Shape{numberdb.PerSide, numberdb.Shared} {
		for _, second := range []Second{NoSecond, SecondOrFail} {
			e := filled(20, numberdb.PoolPolicy{})
			a, b := partyNumber(1), partyNumber(2)
			r := pair(7, a, b, start.Add(time.Hour))
			r.Shape, r.Second = shape, second
			var d Decision
			if err := e.Pick(r, start, &d); err != nil {
				t.Fatal(err)
			}
			rows := Bindings(sessionOf(r, &d))
			byKey := map[numberdb.BindingKey]numberdb.Binding{}
			for _, row := range rows {
				byKey[numberdb.BindingKey{Mask: row.Mask, Party: row.Party}] = row
			}
			if want := map[Second]int{NoSecond: 2, SecondOrFail: 4}[second]; len(byKey) != want {
				t.Fatalf("%d rows, want %d", len(byKey), want)
			}
			for _, row := range rows {
				for _, shown := range []e164.Number{row.Present, row.Second} {
					if shown == 0 && second == NoSecond {
						continue
					}
					back, found := byKey[numberdb.BindingKey{Mask: shown, Party: row.To.Number}]
					if !found || back.To.Number != row.Party {
						t.Errorf("shape %d: who is contacted cannot answer", shape)
					}
				}
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	a, b := partyNumber(1), partyNumber(2)
	for _, c := range []struct {
		name string
		edit func(*Request)
		want error
	}{
		{"unknown pool", func(r *Request) { r.Pool = "other" }, ErrPool},
		{"another tenant's pool", func(r *Request) { r.Pool, r.Tenant = "theirs", "us" }, ErrPool},
		{"a participant is a mask", func(r *Request) { r.Sides[1].Number = maskNumber(3) }, ErrMask},
		{"the same number twice", func(r *Request) { r.Sides[1].Number = a }, ErrSelf},
		{"the same number in two forms", func(r *Request) {
			r.Sides[0].Number, r.Sides[1].Number = e164.MustParse("5491123456789"), e164.MustParse("541123456789")
		}, ErrSelf},
		{"no number", func(r *Request) { r.Sides[0].Number = 0 }, ErrParticipants},
		{"one side", func(r *Request) { r.Sides = r.Sides[:1] }, ErrParticipants},
		{"over already", func(r *Request) { r.Expires = start }, ErrOver},
		{"no session", func(r *Request) { r.Session = 0 }, ErrParticipants},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := filled(10, numberdb.PoolPolicy{})
			e.SetPool(numberdb.Pool{Name: "theirs", Tenant: "them"})
			r := pair(1, a, b, start.Add(time.Hour))
			c.edit(r)
			var d Decision
			if err := e.Pick(r, start, &d); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if e.Report().Bindings != 0 {
				t.Error("something is held")
			}
		})
	}
}

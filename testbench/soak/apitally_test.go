package main

import (
	"slices"
	"testing"
)

func TestAPITally(t *testing.T) {
	event := func(id, kind, session string, sequence int) *told {
		e := &told{ID: id, Type: kind, Sequence: sequence}
		e.Data.Session = session
		return e
	}
	for name, c := range map[string]struct {
		play   func(*apiTally)
		states map[string]string
		want   apiCounts
	}{
		"as it should be": {func(y *apiTally) {
			y.made("ses_1", "a", 0, true)
			y.told(event("evt_1", "session.created", "ses_1", 1))
			y.told(event("evt_1", "session.created", "ses_1", 1))
			y.made("ses_2", "b", 0, false)
			y.told(event("evt_2", "lease.created", "ses_2", 1))
			y.told(event("evt_3", "lease.expired", "ses_2", 2))
		}, map[string]string{"ses_1": "active"}, apiCounts{made: 2, events: 3, repeated: 1}},
		"lost": {func(y *apiTally) {
			y.made("ses_1", "a", 0, true)
			y.told(event("evt_1", "session.created", "ses_1", 1))
		}, nil, apiCounts{made: 1, events: 1, lost: 1}},
		"made twice": {func(y *apiTally) {
			y.made("ses_1", "a", 0, false)
			y.made("ses_2", "a", 0, false)
		}, nil, apiCounts{made: 2, doubled: 1, untold: 2}},
		"without an answer, and there": {func(y *apiTally) {
			y.unanswered()
		}, map[string]string{"ses_1": "active"}, apiCounts{unanswered: 1}},
		"that nobody asked for": {func(*apiTally) {}, map[string]string{"ses_1": "active"}, apiCounts{unasked: 1}},
		"beyond its time, and before it": {func(y *apiTally) {
			y.made("ses_1", "a", 0, false)
			y.made("ses_2", "b", 0, true)
		}, map[string]string{"ses_1": "active", "ses_2": "expired"}, apiCounts{made: 2, lasting: 1, cut: 1, untold: 2}},
		"out of order": {func(y *apiTally) {
			y.told(event("evt_2", "session.expired", "ses_1", 2))
			y.told(event("evt_1", "session.created", "ses_1", 1))
		}, nil, apiCounts{events: 2, disorder: 2}},
	} {
		t.Run(name, func(t *testing.T) {
			y := newAPITally()
			c.play(y)
			y.settle(c.states)
			if got := y.now(); got != c.want {
				t.Errorf("%+v, not %+v", got, c.want)
			}
		})
	}
}

func TestFaultsOfTheAPI(t *testing.T) {
	good := apiCounts{asked: 9, made: 8, unanswered: 1, again: 3, events: 12, repeated: 2, verified: 3, unverified: 1}
	if faults := good.faults(); len(faults) > 0 {
		t.Errorf("faults: %v", faults)
	}
	bad := apiCounts{lost: 1, doubled: 1, unasked: 1, lasting: 1, cut: 1, untold: 1, disorder: 1}
	if faults := bad.faults(); len(faults) != 7 || slices.Contains(faults, "") {
		t.Errorf("faults: %v", faults)
	}
}

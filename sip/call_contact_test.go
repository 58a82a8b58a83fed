package sip

import (
	"strings"
	"testing"

	"maskline/routing"
)

// first is routing's answer for a caller that is new to a public mask.
func (b *bench) first() evRouted {
	return evRouted{refused: &refusal{480, causeTemporary, "first_contact"}, announce: b.routed.announce, contact: &routing.Plan{}}
}

// TestFirstContact has the caller be new to a public mask: the call waits for the slot
// under which the called side sees it.
func TestFirstContact(t *testing.T) {
	const (
		dial    = "A 100, route, open"
		on      = "route, allocate, remote A, begin, B0 INVITE"
		refused = "A 480, over first_contact 480"
	)
	type step struct{ in, out string }
	cases := []struct {
		name    string
		strange int // how often routing says so
		steps   []step
	}{
		{"opened", 1, []step{{"A INVITE", dial}, {"3s", ""}, {"slot opened", "contact opened, " + on}, {"slot opened", ""}}},
		{"refused", 2, []step{{"A INVITE", dial}, {"slot refused", "contact refused, route, " + refused}, {"A ACK", ""}, {"32s", "gone"}}},
		{"refused, and opened by another contact", 1, []step{{"A INVITE", dial}, {"slot refused", "contact refused, " + on}}},
		{"opened, and not there: not asked for again", 2, []step{{"A INVITE", dial}, {"slot opened", "contact opened, route, " + refused}}},
		{"too late", 2, []step{{"A INVITE", dial}, {"4s", ""}, {"500ms", "contact late, " + refused}, {"slot opened", ""}, {"A ACK", ""}}},
		{"at the last moment", 1, []step{{"A INVITE", dial}, {"4400ms", ""}, {"slot opened", "contact opened, " + on}, {"90ms", ""}}},
		{"CANCEL", 2, []step{
			{"A INVITE", dial},
			{"A CANCEL", "A 200, A 487, contact left, over cancelled 487"},
			{"slot opened", ""},
			{"A ACK", ""},
			{"32s", "gone"},
		}},
		{"BYE instead of CANCEL", 2, []step{{"A INVITE", dial}, {"A BYE", "A 200, A 487, contact left, over cancelled 487"}, {"slot opened", ""}}},
		{"CANCEL after the slot", 1, []step{
			{"A INVITE", dial},
			{"slot opened", "contact opened, " + on},
			{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, over cancelled 487"},
		}},
		{"INVITE repeated", 1, []step{{"A INVITE", dial}, {"A INVITE", "A 100"}, {"slot opened", "contact opened, " + on}}},
		{"other requests of the caller", 1, []step{
			{"A INVITE", dial},
			{"A OPTIONS", "A 200"},
			{"A INVITE #2 +sdp", "A 500"},
			{"A UPDATE #3 +sdp", "A 500"},
			{"A INFO #4 key-5", "A 500"},
			{"A PRACK #5 rack", "A 481"},
			{"slot opened", "contact opened, " + on},
		}},
		{"drained", 2, []step{{"A INVITE", dial}, {"end drain", "A 503, contact left, over drain 503"}, {"slot opened", ""}}},
		{"known", 0, []step{{"A INVITE", "A 100, " + on}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			b.strange = c.strange
			for i, s := range c.steps {
				if i == 1 {
					_, b.tag, _ = strings.Cut(header(b.last["A"], "To"), ";tag=")
				}
				if got := b.step(s.in); got != s.out {
					t.Fatalf("step %d, %s:\n got %s\nwant %s", i, s.in, got, s.out)
				}
			}
		})
	}
}

// TestNoSlotIsAnnounced has the caller hear why before the refusal.
func TestNoSlotIsAnnounced(t *testing.T) {
	b := newBench(t)
	b.strange, b.routed.announce = 2, Announcement{Prompt: "unreachable"}
	b.step("A INVITE")
	if got, want := b.step("4500ms"), "contact late, allocate, remote A, play A unreachable, A 183+sdp"; got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
	if got := b.step("slot opened"); got != "" {
		t.Errorf("a late slot: %s", got)
	}
	if got := b.step("played"); got != "A 480, over first_contact 480" {
		t.Error(got)
	}
}

package smpp

import (
	"context"
	"errors"
	"math/rand/v2"
)

// simJournal keeps what it is given like the ledger: submissions are written
// behind, receipts are durable when done says so. A crash loses the rest.
type simJournal struct {
	rand    *rand.Rand
	calm    bool // no faults
	sent    []Submission
	behind  []Submission
	held    []HeldReceipt
	holding []simHold
}

type simHold struct {
	receipt HeldReceipt
	done    func(error)
}

var errSimDisk = errors.New("the disk is full")

func (j *simJournal) Sent(s Submission) { j.behind = append(j.behind, s) }

func (j *simJournal) Hold(r HeldReceipt, done func(error)) {
	j.holding = append(j.holding, simHold{r, done})
	if j.rand.IntN(4) == 0 {
		j.settle()
	}
}

// settle ends a group of writes.
func (j *simJournal) settle() {
	j.sent, j.behind = append(j.sent, j.behind...), nil
	for len(j.holding) > 0 {
		h := j.holding[0]
		j.holding = j.holding[1:]
		if !j.calm && j.rand.IntN(4) == 0 {
			h.done(errSimDisk)
			continue
		}
		j.held = append(j.held, h.receipt)
		h.done(nil)
	}
}

func (j *simJournal) Forget(ids ...uint64) {
	for _, id := range ids {
		for i := range j.held {
			if j.held[i].ID == id {
				j.held = append(j.held[:i:i], j.held[i+1:]...)
				break
			}
		}
	}
}

// crash loses what is not durable.
func (j *simJournal) crash() { j.behind, j.holding = nil, nil }

func (j *simJournal) Restore(_ context.Context, sent func(Submission), held func(HeldReceipt)) error {
	for _, s := range j.sent {
		sent(s)
	}
	for _, r := range j.held {
		held(r)
	}
	return nil
}

package postgres

import (
	"testing"

	"maskline/numberdb"
)

const eraOfTest numberdb.Position = 2 << eraShift

// A commit is known by its transaction, whether the stream or the answer is first.
func TestOwnCommits(t *testing.T) {
	const xid, end, most = 7, eraOfTest | 100, eraOfTest | 150
	for name, test := range map[string]struct {
		steps func(*own) numberdb.Position
		want  numberdb.Position
		waits bool
	}{
		"the stream is first":              {func(o *own) numberdb.Position { o.tell(xid, end); return position(o) }, end, false},
		"the answer is first":              {position, most, true},
		"told after the answer":            {func(o *own) numberdb.Position { position(o); return o.tell(xid, end) }, most, false},
		"another's is told":                {func(o *own) numberdb.Position { position(o); return o.tell(xid+1, end) }, 0, true},
		"told twice":                       {func(o *own) numberdb.Position { position(o); o.tell(xid, end); return o.tell(xid, end) }, 0, false},
		"another's at its place":           {func(o *own) numberdb.Position { o.tell(xid+toldCommits, end); return position(o) }, most, true},
		"of an earlier era":                {func(o *own) numberdb.Position { o.tell(xid, 1<<eraShift|100); return position(o) }, most, true},
		"of an earlier round of the count": {func(o *own) numberdb.Position { o.tell(xid, eraOfTest|151); return position(o) }, most, true},
		"passed by the stream":             {func(o *own) numberdb.Position { position(o); o.passed(most); return 0 }, 0, false},
		"not passed yet":                   {func(o *own) numberdb.Position { position(o); o.passed(end); return 0 }, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			o := &own{}
			if got := test.steps(o); got != test.want {
				t.Errorf("position %d, want %d", got, test.want)
			}
			if o.waits() != test.waits {
				t.Errorf("it waits: %v", o.waits())
			}
		})
	}
}

func position(o *own) numberdb.Position {
	p, _ := o.committed(7, eraOfTest, eraOfTest|150)
	return p
}

// Where nobody reads the stream, what is remembered is bounded.
func TestOwnCommitsThatNobodyTells(t *testing.T) {
	o := &own{}
	for xid := range uint32(2 * ownCommits) {
		if _, known := o.committed(xid, eraOfTest, eraOfTest|9); known != (xid < ownCommits) {
			t.Fatalf("transaction %d: %v", xid, known)
		}
	}
}

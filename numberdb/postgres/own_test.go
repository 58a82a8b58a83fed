package postgres

import (
	"testing"

	"maskline/numberdb"
)

const eraOfTest numberdb.Position = 2 << eraShift

// A commit is known by its transaction, whether the stream or the answer is first.
func TestOwnCommits(t *testing.T) {
	const xid, end, most = 7, eraOfTest | 104, eraOfTest | 152
	for name, test := range map[string]struct {
		steps func(*own) numberdb.Position
		want  numberdb.Position
		waits bool
	}{
		"the stream is first":              {func(o *own) numberdb.Position { o.tell(xid, end); return position(o) }, end, false},
		"the answer is first":              {position, most - 1, true},
		"told after the answer":            {func(o *own) numberdb.Position { position(o); return o.tell(xid, end) }, most - 1, false},
		"another's is told":                {func(o *own) numberdb.Position { position(o); return o.tell(xid+1, end) }, 0, true},
		"told twice":                       {func(o *own) numberdb.Position { position(o); o.tell(xid, end); return o.tell(xid, end) }, 0, false},
		"another's at its place":           {func(o *own) numberdb.Position { o.tell(xid+toldCommits, end); return position(o) }, most - 1, true},
		"of an earlier era":                {func(o *own) numberdb.Position { o.tell(xid, 1<<eraShift|104); return position(o) }, most - 1, true},
		"of an earlier round of the count": {func(o *own) numberdb.Position { o.tell(xid, eraOfTest|160); return position(o) }, most - 1, true},
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
	p, _ := o.committed(7, eraOfTest, eraOfTest|152)
	return p
}

// Commits that were flushed at once end at one place: each waits for itself alone,
// also where the other one was told before it was known.
func TestOwnCommitsAtOnce(t *testing.T) {
	const end, most = eraOfTest | 104, eraOfTest | 152
	o := &own{}
	first, _ := o.committed(7, eraOfTest, most)
	second, _ := o.committed(8, eraOfTest, most)
	if first == second || first >= most || second >= most {
		t.Fatalf("%d and %d", first, second)
	}
	if told := o.tell(8, end); told != second || !o.waits() {
		t.Fatalf("told %d, want %d", told, second)
	}
	if third, known := o.committed(9, eraOfTest, most); !known || third == first || third == second {
		t.Errorf("what was told stands for another: %d, %v", third, known)
	}
	o.passed(most)
	if again, known := o.committed(10, eraOfTest, most); !known || again != first || len(o.given) != 1 {
		t.Errorf("the stream has passed them: %d, %v, %d", again, known, len(o.given))
	}
	for xid := range uint32(places) {
		position, known := o.committed(20+xid, eraOfTest, most)
		if known != (xid < places-2) || !known && position != most {
			t.Errorf("commit %d of those at one place: %d, %v", xid+1, position, known)
		}
	}
}

// Where nobody reads the stream, what is remembered is bounded.
func TestOwnCommitsThatNobodyTells(t *testing.T) {
	o := &own{}
	for xid := range uint32(2 * ownCommits) {
		if _, known := o.committed(xid, eraOfTest, eraOfTest|numberdb.Position(places*(xid+2))); known != (xid < ownCommits) {
			t.Fatalf("transaction %d: %v", xid, known)
		}
	}
}

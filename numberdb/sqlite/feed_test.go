package sqlite

import (
	"testing"

	"maskline/numberdb"
)

// What the feed does not keep need not be copied for it.
func TestFeedKeeps(t *testing.T) {
	for n, want := range map[int]bool{1: true, feedChanges + feedSpare - 1: true, feedChanges + feedSpare: false} {
		f := newFeed(1)
		f.publish(2, make([]numberdb.Change, n))
		if got := len(f.commits) == 1; got != want || keeps(n) != want {
			t.Errorf("%d changes are kept: %v, said %v", n, got, keeps(n))
		}
	}
}

// Commits that change no binding, such as those of the inventory, are told too.
func TestFeedForgetsEmptyCommits(t *testing.T) {
	f := newFeed(1)
	const more = 1000
	for i := range 2 * feedChanges {
		f.publish(numberdb.Position(i+2), nil)
	}
	if n := len(f.commits); n > feedChanges+feedSpare {
		t.Errorf("%d commits are kept", n)
	}
	if _, _, err := f.after(1); err == nil {
		t.Error("a follower of the first position is not told that it missed commits")
	}
	if commits, _, err := f.after(f.last() - more); err != nil || len(commits) != more {
		t.Errorf("%d of the last %d commits, %v", len(commits), more, err)
	}
}

package sqlite

import (
	"context"

	"maskline/numberdb"
)

// embedded is the feed of the commits of this process, which are all there are.
type embedded struct {
	store *Store
	info  numberdb.FeedInfo
	from  numberdb.Position
}

// Feed opens the feed.
func (s *Store) Feed(_ context.Context, held numberdb.Position) (numberdb.Feed, error) {
	if err := s.calls.begin(); err != nil {
		return nil, err
	}
	defer s.calls.done()
	f := &embedded{store: s, from: held, info: numberdb.FeedInfo{Kind: numberdb.Embedded}}
	if held != 0 {
		_, _, err := s.feed.after(held)
		f.info.Resumes = err == nil
	}
	return f, nil
}

func (f *embedded) About() numberdb.FeedInfo { return f.info }

func (f *embedded) Load(ctx context.Context, put func(numberdb.Binding)) (numberdb.Snapshot, error) {
	snapshot, err := f.store.Load(ctx, put)
	f.from = snapshot.Position
	return snapshot, err
}

func (f *embedded) Follow(ctx context.Context, apply func(numberdb.Batch)) error {
	if err := f.store.calls.begin(); err != nil {
		return err
	}
	defer f.store.calls.done()
	return f.store.feed.follow(ctx, f.from, apply)
}

func (f *embedded) Close() error { return nil }

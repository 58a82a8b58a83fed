package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"maskline/configs"
	"maskline/e164"
	"maskline/numberdb"
)

// shelf is a stock that fails after so many writes.
type shelf struct {
	stock
	masks []numberdb.Mask
	parts []int
	good  int
}

var errShelf = errors.New("the shelf broke")

func (s *shelf) Ready(context.Context) error  { return nil }
func (s *shelf) Pools() []numberdb.Pool       { return nil }
func (s *shelf) Masks(string) []numberdb.Mask { return slices.Clone(s.masks) }

func (s *shelf) PutMasks(_ context.Context, masks []numberdb.Mask, _, _ string) error {
	if len(s.parts) == s.good {
		return errShelf
	}
	s.parts = append(s.parts, len(masks))
	s.masks = append(s.masks, masks...)
	return nil
}

func (s *shelf) ShelveMasks(ctx context.Context, masks []numberdb.Mask, why, actor string) error {
	return s.PutMasks(ctx, masks, why, actor)
}

func TestAFileOfManyMasksIsWrittenInParts(t *testing.T) {
	const count = 2*masksAtOnce + 7
	var file strings.Builder
	file.WriteString("number\n")
	for i := range count {
		fmt.Fprintf(&file, "4420%08d\n", i)
	}
	store := &shelf{good: 1}
	v := &inventory{stock: store, bindings: newBindings(&configs.Config{}, numberdb.NewTable(), nil)}
	_, err := v.Import(t.Context(), strings.NewReader(file.String()), "")
	if err == nil || err.Error() != "10000 of 20007 masks were written, import the file again for the rest: the shelf broke" {
		t.Fatal(err)
	}
	store.good = 10
	if rows, err := v.Import(t.Context(), strings.NewReader(file.String()), ""); err != nil || rows != count {
		t.Fatalf("%d rows, %v", rows, err)
	}
	if !slices.Equal(store.parts, []int{masksAtOnce, masksAtOnce, 7}) {
		t.Errorf("parts of %v", store.parts)
	}
	written := map[e164.Number]bool{}
	for _, m := range store.masks {
		written[m.Number] = true
	}
	if len(written) != count {
		t.Errorf("%d masks", len(written))
	}
}

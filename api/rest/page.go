package rest

import (
	"encoding/base64"

	"maskline/api/problem"
	"maskline/numberdb"
)

// Page is the part of a list that is asked for; it is embedded in inputs.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most entries of the answer."`
	Cursor string `query:"cursor" maxLength:"128" doc:"next_cursor of the answer before."`
}

// After is what the cursor stands for: what Next was given; empty: the beginning.
func (p *Page) After() (string, error) {
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil {
		return "", badCursor()
	}
	return string(text), nil
}

func badCursor() error {
	return problem.Invalid("query.cursor", "expected the next_cursor of an answer")
}

// List is a part of a list.
type List[T any] struct {
	Data       []T    `json:"data" nullable:"false" doc:"The entries."`
	NextCursor string `json:"next_cursor,omitempty" doc:"The cursor of what follows; none: there is nothing more."`
}

// Next makes the cursor of what follows after.
func Next(after string) string { return base64.RawURLEncoding.EncodeToString([]byte(after)) }

// cut is the page of a whole list that begins behind the cursor; cursorOf is that of
// an entry.
func cut[In, Out any](all []In, limit int, behind func(*In) bool, show func(*In) Out, cursorOf func(*Out) string) List[Out] {
	list := List[Out]{Data: []Out{}}
	for i := range all {
		if !behind(&all[i]) {
			continue
		}
		if len(list.Data) == limit {
			list.NextCursor = Next(cursorOf(&list.Data[limit-1]))
			break
		}
		list.Data = append(list.Data, show(&all[i]))
	}
	return list
}

// Answer is an output with a body alone.
type Answer[T any] struct{ Body T }

// Answering makes one.
func Answering[T any](body T) *Answer[T] { return &Answer[T]{body} }

// AfterID is the cursor of a list in the order of IDs; 0: the beginning.
func (p *Page) AfterID(prefix string) (numberdb.ID, error) {
	text, err := p.After()
	if err != nil || text == "" {
		return 0, err
	}
	id, err := numberdb.ParseID(prefix, text)
	if err != nil {
		return 0, badCursor()
	}
	return id, nil
}

package rest

import (
	"encoding/base64"

	"maskline/api/problem"
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

// Answer is an output with a body alone.
type Answer[T any] struct{ Body T }

// Answering makes one.
func Answering[T any](body T) *Answer[T] { return &Answer[T]{body} }

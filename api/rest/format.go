package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/danielgtaylor/huma/v2"
)

// maxDepth bounds how deeply objects and lists of a body stand in one another.
const maxDepth = 16

// What is wrong with a body as a whole. Those of encoding/json repeat it.
var (
	errNotJSON = errors.New("expected one JSON value")
	errTooDeep = errors.New("expected objects and lists to stand less deeply in one another")
	errNUL     = errors.New("expected texts without U+0000") // Postgres keeps none
	errForm    = errors.New("expected values in the form that the document says")
)

// format is JSON with bounds.
func format() huma.Format {
	return huma.Format{
		Marshal: func(w io.Writer, v any) error {
			encoder := json.NewEncoder(w)
			encoder.SetEscapeHTML(false)
			return encoder.Encode(v)
		},
		Unmarshal: func(data []byte, v any) error {
			if err := scan(data); err != nil {
				return err
			}
			err := json.Unmarshal(data, v)
			var syntax *json.SyntaxError
			switch {
			case err == nil:
				return nil
			case errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF):
				return errNotJSON
			default:
				return errForm
			}
		},
	}
}

// scan counts brackets outside of strings, and looks for what no text may hold inside
// of them, without allocating.
func scan(data []byte) error {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] != '\\' {
					continue
				}
				if bytes.HasPrefix(data[i:], []byte(`\u0000`)) {
					return errNUL
				}
				i++
			}
		case '{', '[':
			if depth++; depth > maxDepth {
				return errTooDeep
			}
		case '}', ']':
			depth--
		}
	}
	return nil
}

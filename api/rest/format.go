package rest

import (
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
			if tooDeep(data) {
				return errTooDeep
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

// tooDeep counts brackets outside of strings, without allocating.
func tooDeep(data []byte) bool {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			if depth++; depth > maxDepth {
				return true
			}
		case '}', ']':
			depth--
		}
	}
	return false
}

package configs

import (
	"bytes"
	"errors"
	"io"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document reads the one document of a file, without giving it a meaning.
func document(data []byte) (*yaml.Node, *Fault) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	err := next(decoder, &doc)
	switch {
	case errors.Is(err, io.EOF) || (err == nil && isNothing(&doc)):
		return nil, &Fault{Problem: "is empty; expected at least one key"}
	case err != nil:
		return nil, syntaxFault(data, err)
	}
	switch err = next(decoder, &second); {
	case err == nil:
		return nil, &Fault{Line: second.Line, Problem: "a second document begins; expected one, without ---"}
	case !errors.Is(err, io.EOF):
		return nil, syntaxFault(data, err)
	}
	return doc.Content[0], nil
}

func isNothing(doc *yaml.Node) bool {
	return len(doc.Content) == 0 || (doc.Content[0].Kind == yaml.ScalarNode && doc.Content[0].Value == "" && doc.Content[0].Style == 0)
}

// next reads a document. The parser panics on some inputs that it should refuse.
func next(decoder *yaml.Decoder, doc *yaml.Node) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("yaml: the parser gave up")
		}
	}()
	return decoder.Decode(doc)
}

// syntaxFault puts the parser's message in our form. The message itself may
// quote the file, so only known ones are told.
func syntaxFault(data []byte, err error) *Fault {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	line := 1
	if rest, found := strings.CutPrefix(message, "line "); found {
		number, after, _ := strings.Cut(rest, ": ")
		if n, err := strconv.Atoi(number); err == nil {
			line, message = n, after
		}
		if countsFromZero(message) {
			line++
		}
	}
	if located := locate(data, err.Error()); located > 0 {
		line = located
	}
	if tabbed := tabLine(data, line); tabbed > 0 {
		return &Fault{Line: tabbed, Problem: "a tab indents the line; expected spaces"}
	}
	last := bytes.Count(bytes.TrimRight(data, "\n"), []byte("\n")) + 1 // the end of the file counts as a line of its own
	return &Fault{Line: min(line, last), Problem: explain(message)}
}

// countsFromZero knows the messages whose line is one too small: those about
// structure, while those about characters are right.
func countsFromZero(message string) bool {
	for _, what := range []string{"expected key", "'-' indicator", "',' or", "node content", "<document start>"} {
		if strings.Contains(message, what) {
			return true
		}
	}
	return false
}

func explain(message string) string {
	for _, known := range []struct{ begins, problem string }{
		{"did not find expected key", "a line is indented unlike its neighbours; expected keys of one section in one column"},
		{"did not find expected '-' indicator", "a line is indented unlike its neighbours; expected every entry of a list to begin with a dash in one column"},
		{"did not find expected ',' or ']'", "a list in brackets does not end; expected a comma or ], and quotes around ${NAME} in it"},
		{"did not find expected ',' or '}'", "a mapping in braces does not end; expected a comma or }, and quotes around ${NAME} in it"},
		{"did not find expected node content", "a value is missing; expected one before the comma or bracket"},
		{"did not find expected alphabetic or numeric character", "a value begins with & or *; expected quotes around it"},
		{"could not find expected ':'", "a colon is missing; expected key: value"},
		{"mapping values are not allowed in this context", "a colon stands where no key can; expected a colon after the key above it, quotes around a value with a colon, or another indentation"},
		{"block sequence entries are not allowed in this context", "a dash stands where no list can; expected the list on its own lines"},
		{"found character that cannot start any token", "a value begins with a reserved character; expected quotes around it"},
		{"found unexpected end of stream", "quotes are not closed; expected a closing quote"},
		{"found unexpected document indicator", "quotes are not closed; expected a closing quote"},
		{"found unknown escape character", "a backslash is followed by an unknown character; expected \\\\ or single quotes"},
		{"unknown anchor", "a value begins with *; expected quotes around it"},
		{"found a tab character", "a tab indents the line; expected spaces"},
		{"control characters are not allowed", "the file holds control characters; expected text in UTF-8"},
		{"exceeded max depth", "the file is nested too deeply; expected the documented keys"},
		{"the parser gave up", "the file is not valid YAML; expected sections of key: value"},
	} {
		if strings.HasPrefix(message, known.begins) {
			return known.problem
		}
	}
	if strings.Contains(message, "UTF-8") || strings.Contains(message, "UTF-16") || strings.Contains(message, "Unicode") {
		return "the file holds octets that are no text; expected text in UTF-8"
	}
	return "the file is not valid YAML; expected sections of key: value"
}

// locate finds the line of a fault for which the parser tells no line, or that
// of the section's beginning: it is the first line with which the same fault is
// there. 0: the parser tells the line.
func locate(data []byte, message string) int {
	const maxData = 256 << 10 // it reads the file a dozen times
	where := func(part string) bool { return strings.Contains(message, part) }
	if len(data) > maxData || (!where("did not find expected key") && !where("'-' indicator") && !where("unknown anchor")) {
		return 0
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	return sort.Search(len(lines), func(i int) bool {
		head := bytes.Join(lines[:i+1], nil)
		var doc yaml.Node
		err := next(yaml.NewDecoder(bytes.NewReader(head)), &doc)
		return err != nil && err.Error() == message
	}) + 1
}

// tabLine is the line at the fault, or next to it, that a tab indents.
func tabLine(data []byte, line int) int {
	lines := bytes.Split(data, []byte("\n"))
	for _, at := range []int{line, line + 1, line - 1} {
		if at >= 1 && at <= len(lines) {
			text := lines[at-1]
			content := bytes.TrimLeft(text, " \t\r")
			if len(content) > 0 && bytes.IndexByte(text[:len(text)-len(content)], '\t') >= 0 {
				return at
			}
		}
	}
	return 0
}

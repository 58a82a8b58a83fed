package clientgen

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Document is an OpenAPI document.
type Document struct {
	Paths      map[string]map[string]*operation `json:"paths"`
	Components struct {
		Schemas map[string]*schema `json:"schemas"`
	} `json:"components"`

	operations []*operation // in the order of paths
	patched    map[string]bool
}

type operation struct {
	ID          string               `json:"operationId"`
	Summary     string               `json:"summary"`
	Description string               `json:"description"`
	Parameters  []*parameter         `json:"parameters"`
	RequestBody *content             `json:"requestBody"`
	Responses   map[string]*response `json:"responses"`

	method, path string
	idempotent   bool
	ifMatch      bool
	body         string // name of the schema; empty: none
	answer       *schema
	query        []*parameter
	inPath       []string
	paged        string // "query" or "body": where a cursor is sent; empty: no list of pages
}

type parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"`
	Required    bool    `json:"required"`
	Description string  `json:"description"`
	Schema      *schema `json:"schema"`
}

type content struct {
	Content map[string]struct {
		Schema *schema `json:"schema"`
	} `json:"content"`
}

type response = content

type schema struct {
	Ref         string             `json:"$ref"`
	Type        oneOrMore          `json:"type"`
	Format      string             `json:"format"`
	Description string             `json:"description"`
	Enum        []any              `json:"enum"`
	Default     any                `json:"default"`
	Minimum     *float64           `json:"minimum"`
	Items       *schema            `json:"items"`
	Properties  map[string]*schema `json:"properties"`
	Required    []string           `json:"required"`
	Additional  json.RawMessage    `json:"additionalProperties"`
}

// oneOrMore is a type, or a list of a type and null.
type oneOrMore string

// UnmarshalJSON reads either.
func (o *oneOrMore) UnmarshalJSON(text []byte) error {
	var list []string
	if text[0] != '[' {
		text = slices.Concat([]byte("["), text, []byte("]"))
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return err
	}
	for _, one := range list {
		if one != "null" {
			*o = oneOrMore(one)
		}
	}
	return nil
}

// Read reads a document.
func Read(text []byte) (*Document, error) {
	d := &Document{patched: map[string]bool{}}
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(d); err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(d.Paths[path])) {
			op := d.Paths[path][method]
			op.path, op.method = path, strings.ToUpper(method)
			if op.takesForm() {
				continue // getting a token is of OAuth's own libraries
			}
			if err := d.understand(op); err != nil {
				return nil, fmt.Errorf("%s %s: %w", op.method, path, err)
			}
			d.operations = append(d.operations, op)
		}
	}
	slices.SortFunc(d.operations, func(a, b *operation) int { return cmp.Compare(a.ID, b.ID) })
	return d, nil
}

func (op *operation) takesForm() bool {
	if op.RequestBody == nil {
		return false
	}
	_, form := op.RequestBody.Content["application/x-www-form-urlencoded"]
	return form
}

var inBraces = regexp.MustCompile(`\{([a-z_]+)\}`)

func (d *Document) understand(op *operation) error {
	for _, name := range inBraces.FindAllStringSubmatch(op.path, -1) {
		op.inPath = append(op.inPath, name[1])
	}
	for _, p := range op.Parameters {
		switch {
		case p.In == "path":
		case p.In == "query":
			op.query = append(op.query, p)
		case p.Name == "Idempotency-Key":
			op.idempotent = true
		case p.Name == "If-Match":
			op.ifMatch = true
		case p.Name == "Accept", p.Name == "Last-Event-ID": // of streams, which the clients know by themselves
		default:
			return fmt.Errorf("a parameter %s in %s is not understood", p.Name, p.In)
		}
	}
	if op.RequestBody != nil {
		of := op.RequestBody.Content["application/json"].Schema
		if of == nil || of.Ref == "" {
			return fmt.Errorf("the body is no schema with a name")
		}
		op.body = refName(of.Ref)
		if op.method == "PATCH" {
			d.patched[op.body] = true
		}
	}
	for status, r := range op.Responses {
		if of := r.Content["application/json"].Schema; strings.HasPrefix(status, "2") && of != nil {
			op.answer = of
		}
	}
	if op.answer == nil || !d.isList(refName(op.answer.Ref)) {
		return nil
	}
	if slices.ContainsFunc(op.query, func(p *parameter) bool { return p.Name == "cursor" }) {
		op.paged = "query"
	} else if op.body != "" && d.Components.Schemas[op.body].Properties["cursor"] != nil {
		op.paged = "body"
	}
	return nil
}

func refName(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }

// isList reports whether a schema is a part of a list: entries and a cursor.
func (d *Document) isList(name string) bool {
	s := d.Components.Schemas[name]
	return s != nil && len(s.Properties) == 2 && s.Properties["data"] != nil && s.Properties["next_cursor"] != nil
}

// element is the name of what a list holds.
func (d *Document) element(name string) string {
	return refName(d.Components.Schemas[name].Properties["data"].Items.Ref)
}

// named is the name of a schema in the libraries: InputBody is the framework's
// word for a body.
func named(name string) string {
	if name == "Payload" {
		return "Event"
	}
	if of, is := strings.CutSuffix(name, "Body"); is {
		return strings.TrimSuffix(of, "Input") + "Input"
	}
	return name
}

// types are the names of the schemas that get a type of their own.
func (d *Document) types() (names []string) {
	for name := range d.Components.Schemas {
		if !d.isList(name) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(named(a), named(b)) })
	return names
}

// properties are those of a schema: the needed ones in the document's order, then
// the others by name.
func (s *schema) properties() (names []string) {
	names = append(names, s.Required...)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// values are the texts that a schema allows.
func (s *schema) values() (list []string) {
	for _, v := range s.Enum {
		list = append(list, fmt.Sprint(v))
	}
	return list
}

// ofAll is the schema of every further property of an object; nil: there is none.
func (s *schema) ofAll() *schema {
	if len(s.Additional) == 0 || s.Additional[0] != '{' {
		return nil
	}
	of := &schema{}
	if json.Unmarshal(s.Additional, of) != nil {
		return nil
	}
	return of
}

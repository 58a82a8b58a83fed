package clientgen

import (
	"fmt"
	"go/format"
	"slices"
	"strings"
)

const goHead = "// Code generated from the OpenAPI document by go test ./cmd/maskline -run TestClients -update. DO NOT EDIT.\n\npackage client\n\n"

// GoTypes is the file of the Go library with a type for each schema.
func (d *Document) GoTypes() ([]byte, error) {
	var b strings.Builder
	b.WriteString(goHead + "import (\n\t\"encoding/json\"\n\t\"time\"\n)\n\n")
	b.WriteString("var _ json.RawMessage // not every document needs it\n\n")
	for _, name := range d.types() {
		s := d.Components.Schemas[name]
		fmt.Fprintf(&b, "// %s is the schema %s of the document.\ntype %s struct {\n", named(name), name, named(name))
		for _, field := range s.properties() {
			d.goField(&b, field, s.Properties[field], slices.Contains(s.Required, field), d.patched[name])
		}
		b.WriteString("}\n\n")
	}
	for _, op := range d.operations {
		if len(op.query) == 0 {
			continue
		}
		fmt.Fprintf(&b, "// %sQuery narrows what %s does; what is left out is not sent.\ntype %sQuery struct {\n", goName(op.ID), goName(op.ID), goName(op.ID))
		for _, p := range op.query {
			s := *p.Schema
			s.Description, s.Default = p.Description, nil
			d.goField(&b, p.Name, &s, p.Required, false)
		}
		b.WriteString("}\n\n")
	}
	return format.Source([]byte(b.String()))
}

func (d *Document) goField(b *strings.Builder, name string, s *schema, required, patched bool) {
	text := s.Description
	if values := s.values(); len(values) > 0 {
		text = strings.TrimSpace(text + " One of " + strings.Join(values, ", ") + ".")
	}
	if text != "" {
		fmt.Fprintf(b, "\t// %s\n", text)
	}
	kind, option := d.goType(s), ""
	if !required {
		option = ",omitempty"
		switch {
		case s.Ref != "", patched, s.zeroDiffers():
			kind = "*" + kind
		case s.Format == "date-time":
			option = ",omitzero"
		default:
		}
	}
	fmt.Fprintf(b, "\t%s %s `json:\"%s%s\"`\n", goName(name), kind, name, option)
}

// zeroDiffers reports whether 0 may be sent and is not what leaving out means.
func (s *schema) zeroDiffers() bool {
	if n, is := s.Default.(float64); is && n != 0 && s.Minimum != nil && *s.Minimum <= 0 {
		return true
	}
	return s.Default == true
}

func (d *Document) goType(s *schema) string {
	switch {
	case s == nil:
		return "json.RawMessage"
	case s.Ref != "" && d.isList(refName(s.Ref)):
		return "List[" + named(d.element(refName(s.Ref))) + "]"
	case s.Ref != "":
		return named(refName(s.Ref))
	case s.Type == "array":
		return "[]" + d.goType(s.Items)
	case s.Type == "string" && s.Format == "date-time":
		return "time.Time"
	case s.Type == "string":
		return "string"
	case s.Type == "integer":
		return "int64"
	case s.Type == "number":
		return "float64"
	case s.Type == "boolean":
		return "bool"
	case s.Type == "object" && s.ofAll() != nil:
		return "map[string]" + d.goType(s.ofAll())
	default:
		return "json.RawMessage"
	}
}

// goName is a name as Go writes it.
func goName(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		switch part {
		case "id", "ttl", "url", "rps", "ok":
			b.WriteString(strings.ToUpper(part))
		default:
			b.WriteString(strings.ToUpper(part[:1]) + part[1:])
		}
	}
	return b.String()
}

// GoOperations is the file of the Go library with a method for each operation.
func (d *Document) GoOperations() ([]byte, error) {
	var b strings.Builder
	b.WriteString(goHead + "import (\n\t\"context\"\n\t\"iter\"\n)\n\n")
	for _, op := range d.operations {
		d.goOperation(&b, op)
	}
	return format.Source([]byte(b.String()))
}

func (d *Document) goOperation(b *strings.Builder, op *operation) {
	name := goName(op.ID)
	fmt.Fprintf(b, "// %s: %s.\n// %s %s\n", name, strings.TrimSuffix(op.Summary, "."), op.method, op.path)
	if op.Description != "" {
		fmt.Fprintf(b, "//\n// %s\n", op.Description)
	}
	in, call := "ctx context.Context", fmt.Sprintf("call{method: %q, path: %q", op.method, op.path)
	args := "ctx"
	if len(op.inPath) > 0 {
		in += ", " + strings.Join(op.inPath, ", ") + " string"
		args += ", " + strings.Join(op.inPath, ", ")
		call += ", inPath: []string{" + strings.Join(op.inPath, ", ") + "}"
	}
	if op.body != "" {
		in += ", in *" + named(op.body)
		args += ", in"
		call += ", body: in"
	}
	if len(op.query) > 0 {
		in += ", q " + name + "Query"
		args += ", q"
		call += ", query: q"
	}
	if op.idempotent {
		call += ", idempotent: true"
	}
	call += ", options: options}"
	in += ", options ...Option"
	if op.answer == nil {
		fmt.Fprintf(b, "func (c *Client) %s(%s) error {\n\treturn c.do(ctx, &%s, nil)\n}\n\n", name, in, call)
		return
	}
	kind := d.goType(op.answer)
	fmt.Fprintf(b, "func (c *Client) %s(%s) (*%s, error) {\n\treturn answer[%s](ctx, c, &%s)\n}\n\n", name, in, kind, kind, call)
	if op.paged == "" {
		return
	}
	element, cursor := named(d.element(refName(op.answer.Ref))), "q.Cursor = cursor"
	if op.paged == "body" {
		cursor = "next := *in\n\t\tin, next.Cursor = &next, cursor"
	}
	fmt.Fprintf(b, "// %sAll reads every page of %s.\nfunc (c *Client) %sAll(%s) iter.Seq2[%s, error] {\n\treturn pages(func(cursor string) (*List[%s], error) {\n\t\t%s\n\t\treturn c.%s(%s, options...)\n\t})\n}\n\n",
		name, name, name, in, element, element, cursor, name, args)
}

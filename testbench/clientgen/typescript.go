package clientgen

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

const tsHead = "// Generated from the OpenAPI document by go test ./cmd/maskline -run TestClients -update.\n"

// JavaScriptOperations is the file of the TypeScript library with what it has to
// know of each operation to call it.
func (d *Document) JavaScriptOperations() ([]byte, error) {
	var b strings.Builder
	b.WriteString(tsHead + "export const operations = {\n")
	for _, op := range d.operations {
		about := map[string]any{"method": op.method, "path": op.path}
		if op.body != "" {
			about["body"] = true
		}
		if len(op.query) > 0 {
			about["query"] = true
		}
		if op.idempotent {
			about["idempotent"] = true
		}
		if op.paged != "" {
			about["paged"] = op.paged
		}
		text, err := json.Marshal(about)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "  %s: %s,\n", op.ID, text)
	}
	b.WriteString("};\n")
	return []byte(b.String()), nil
}

// TypeScriptTypes is the file of the TypeScript library with the types: of each
// schema, and of a client with a method for each operation.
func (d *Document) TypeScriptTypes() ([]byte, error) {
	var b strings.Builder
	b.WriteString(tsHead + "import type { List, Options } from \"./client.js\";\n\n")
	for _, name := range d.types() {
		s := d.Components.Schemas[name]
		fmt.Fprintf(&b, "export interface %s {\n", named(name))
		for _, field := range s.properties() {
			d.tsField(&b, field, s.Properties[field], slices.Contains(s.Required, field))
		}
		b.WriteString("}\n\n")
	}
	for _, op := range d.operations {
		if len(op.query) == 0 {
			continue
		}
		fmt.Fprintf(&b, "export interface %sQuery {\n", goName(op.ID))
		for _, p := range op.query {
			s := *p.Schema
			s.Description = p.Description
			d.tsField(&b, p.Name, &s, p.Required)
		}
		b.WriteString("}\n\n")
	}
	b.WriteString("/** A method for each operation of the document. */\nexport interface Operations {\n")
	for _, op := range d.operations {
		d.tsOperation(&b, op)
	}
	b.WriteString("}\n")
	return []byte(b.String()), nil
}

func (d *Document) tsField(b *strings.Builder, name string, s *schema, required bool) {
	if s.Description != "" {
		fmt.Fprintf(b, "  /** %s */\n", s.Description)
	}
	mark := "?"
	if required {
		mark = ""
	}
	fmt.Fprintf(b, "  %s%s: %s;\n", name, mark, d.tsType(s))
}

func (d *Document) tsType(s *schema) string {
	switch {
	case s == nil:
		return "unknown"
	case s.Ref != "" && d.isList(refName(s.Ref)):
		return "List<" + named(d.element(refName(s.Ref))) + ">"
	case s.Ref != "":
		return named(refName(s.Ref))
	case s.Type == "array":
		of := d.tsType(s.Items)
		if strings.Contains(of, " ") {
			of = "(" + of + ")"
		}
		return of + "[]"
	case s.Type == "string" && len(s.Enum) > 0:
		return `"` + strings.Join(s.values(), `" | "`) + `"`
	case s.Type == "string":
		return "string"
	case s.Type == "integer", s.Type == "number":
		return "number"
	case s.Type == "boolean":
		return "boolean"
	case s.Type == "object" && s.ofAll() != nil:
		return "Record<string, " + d.tsType(s.ofAll()) + ">"
	default:
		return "unknown"
	}
}

func (d *Document) tsOperation(b *strings.Builder, op *operation) {
	text := strings.TrimSuffix(op.Summary, ".") + ". " + op.method + " " + op.path
	if op.Description != "" {
		text += " " + op.Description
	}
	fmt.Fprintf(b, "  /** %s */\n", text)
	var in []string
	for _, name := range op.inPath {
		in = append(in, name+": string")
	}
	if op.body != "" {
		in = append(in, "body: "+named(op.body))
	}
	if len(op.query) > 0 {
		in = append(in, "query?: "+goName(op.ID)+"Query")
	}
	in = append(in, "options?: Options")
	kind := "void"
	if op.answer != nil {
		kind = d.tsType(op.answer)
	}
	fmt.Fprintf(b, "  %s(%s): Promise<%s>;\n", op.ID, strings.Join(in, ", "), kind)
	if op.paged != "" {
		fmt.Fprintf(b, "  /** Every page of %s. */\n  %sAll(%s): AsyncGenerator<%s, void, undefined>;\n",
			op.ID, op.ID, strings.Join(in, ", "), named(d.element(refName(op.answer.Ref))))
	}
}

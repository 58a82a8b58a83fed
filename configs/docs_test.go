package configs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const (
	reference = "../docs/configuration.md"
	tablesAt  = "<!-- Made from the comments of configs/*.go by `go test ./configs -run Reference -update`. -->\n"
)

// comments maps "Struct.Field" to the field's comment on one line.
func comments(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, isType := n.(*ast.TypeSpec)
			if !isType {
				return true
			}
			if s, isStruct := spec.Type.(*ast.StructType); isStruct {
				for _, f := range s.Fields.List {
					for _, id := range f.Names {
						found[spec.Name.Name+"."+id.Name] = strings.Join(strings.Fields(f.Doc.Text()), " ")
					}
				}
			}
			return true
		})
	}
	return found
}

// described is a key with its field's comment.
type described struct {
	Key
	topic    string // what the section that holds it is about, where that has no heading
	meaning  string
	standard string // what the comment says of the default
}

// heading is a section of the reference: one of the file, or an entry of a list.
type heading struct {
	title, text string
	keys        []described
}

// describe walks the sections as Keys does and reads the comments.
func describe(t *testing.T) []*heading {
	t.Helper()
	texts, keys := comments(t), map[string]Key{}
	for _, k := range Keys() {
		keys[k.Path] = k
	}
	var headings []*heading
	var walk func(typ reflect.Type, path, topic string, h *heading)
	walk = func(typ reflect.Type, path, topic string, h *heading) {
		for i := range typ.NumField() {
			sf := typ.Field(i)
			if sf.Anonymous {
				walk(sf.Type, path, topic, h)
				continue
			}
			f := find(fieldsOf(typ), sf.Tag.Get("key"))
			if f == nil {
				continue
			}
			at := under(path, f.key)
			meaning, standard, _ := strings.Cut(texts[typ.Name()+"."+sf.Name], " Default ")
			if meaning == "" {
				t.Errorf("%s: the field %s.%s has no comment", at, typ.Name(), sf.Name)
			}
			switch {
			case !f.section():
				h.keys = append(h.keys, described{keys[at], topic, meaning, strings.TrimSuffix(standard, ".")})
			case f.typ.Kind() == reflect.Slice:
				inner := &heading{title: at + "[]", text: meaning}
				headings = append(headings, inner)
				walk(f.typ.Elem(), inner.title, "", inner)
			case path == "":
				inner := &heading{title: at, text: meaning}
				headings = append(headings, inner)
				walk(f.typ, at, "", inner)
			default:
				walk(f.typ, at, meaning, h)
			}
		}
	}
	top := &heading{title: "Top level"}
	headings = append(headings, top)
	walk(reflect.TypeFor[Config](), "", "", top)
	return headings
}

// A comment says the default as the tag does, and of a number what 0 means.
func TestCommentsSayDefaultAndZero(t *testing.T) {
	var all []described
	for _, h := range describe(t) {
		all = append(all, h.keys...)
	}
	zero := regexp.MustCompile(`\b0\b`)
	for _, k := range all {
		switch said := strings.SplitN(k.standard, ": ", 2)[0]; {
		case k.Required && !strings.HasSuffix(k.meaning, "Required."):
			t.Errorf("%s: the comment does not say that it is required", k.Path)
		case k.Required:
		case k.Default == "" && said != "empty":
			t.Errorf("%s: the comment does not say that the default is empty", k.Path)
		case k.Default != "" && k.standard != k.Default && said != k.Default:
			t.Errorf("%s: the comment says %q of the default, the tag %q", k.Path, k.standard, k.Default)
		}
		switch k.Type {
		case "duration", "size", "integer", "number", "code":
			if !zero.MatchString(k.meaning) {
				t.Errorf("%s: the comment does not say what 0 means", k.Path)
			}
		}
	}
}

func (k *described) row() string {
	standard := k.standard
	switch {
	case k.Required:
		standard = "required"
	case k.Default == "":
		_, means, _ := strings.Cut(standard, ": ")
		standard = "none"
		if means != "" && means != "none" {
			standard += ": " + means
		}
	default:
		standard = "`" + k.Default + "`" + strings.TrimPrefix(standard, k.Default)
	}
	meaning := strings.TrimSuffix(k.meaning, " Required.")
	if k.topic != "" {
		meaning = "*" + k.topic + "* " + meaning
	}
	if k.Live {
		meaning += " **Live.**"
	}
	if k.Later {
		meaning += " **Later.**"
	}
	typ := strings.ReplaceAll(k.Type, "|", `\|`)
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", k.Path, typ, standard, meaning)
}

// tables is the generated part of the reference.
func tables(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, h := range describe(t) {
		b.WriteString(h.begin())
		for i := range h.keys {
			if !h.keys[i].isShared() {
				b.WriteString(h.keys[i].row())
			}
		}
	}
	return b.String()
}

func (h *heading) begin() string {
	title, text := "`"+h.title+"`", h.text
	switch h.title {
	case "Top level":
		title = h.title
	case "sip.peers[]":
		text += " An entry has these keys and all those of `carriers[].sip[]`."
	case "carriers[].sip[]":
		title += ", and `sip.peers[]`"
	}
	if text != "" {
		text += "\n\n"
	}
	return "\n### " + title + "\n\n" + text + "| key | type | default | meaning |\n|---|---|---|---|\n"
}

// isShared reports whether the key of a tenant's peer is described with the
// carriers' trunks.
func (k *described) isShared() bool {
	key, isPeer := strings.CutPrefix(k.Path, "sip.peers[].")
	return isPeer && find(fieldsOf(reflect.TypeFor[Trunk]()), strings.Split(key, ".")[0]) != nil
}

func TestReference(t *testing.T) {
	data, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	prose, old, found := strings.Cut(string(data), tablesAt)
	if !found {
		t.Fatalf("%s has no line %q", reference, tablesAt)
	}
	current := tables(t)
	if *update {
		if err := os.WriteFile(reference, []byte(prose+tablesAt+current), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != current {
		t.Error("docs/configuration.md is not what the comments say; run go test ./configs -run Reference -update")
	}
}

func TestReferenceNamesEveryKey(t *testing.T) {
	data, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Keys() {
		d := described{Key: k}
		path := k.Path
		if d.isShared() {
			path = strings.Replace(path, "sip.peers[]", "carriers[].sip[]", 1)
		}
		if !strings.Contains(string(data), "| `"+path+"` |") {
			t.Errorf("%s is not in the reference", k.Path)
		}
	}
}

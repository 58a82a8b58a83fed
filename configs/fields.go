package configs

import (
	"cmp"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// field is a key of a section: a struct field with its tags.
//
//	key       the key in the file
//	default   the default, written as in the file
//	required  the key must be given, and not be empty
//	min, max  bounds of a number, duration, size or code, written as in the file
//	octets    most octets of a text
//	ascii     the text goes where only ASCII does
//	live      a reload applies it; of a list, entries may come and go too, or
//	          with "whole" the list is replaced with its order
//
// On a list, min, max and octets bound its entries.
type field struct {
	key      string
	index    []int
	typ      reflect.Type
	def      string
	required bool
	min, max string
	octets   int
	ascii    bool
	live     bool
	whole    bool
}

// fieldsOf lists the keys of a section in order; those of an embedded struct
// stand in its place.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		sf := t.Field(i)
		if sf.Anonymous {
			for _, f := range fieldsOf(sf.Type) {
				f.index = append([]int{i}, f.index...)
				fields = append(fields, f)
			}
			continue
		}
		key := sf.Tag.Get("key")
		if key == "" {
			continue
		}
		octets, _ := strconv.Atoi(sf.Tag.Get("octets"))
		fields = append(fields, field{
			key: key, index: []int{i}, typ: sf.Type, def: sf.Tag.Get("default"), required: sf.Tag.Get("required") == "true",
			min: sf.Tag.Get("min"), max: sf.Tag.Get("max"), octets: octets, ascii: sf.Tag.Get("ascii") == "true", live: sf.Tag.Get("live") != "", whole: sf.Tag.Get("live") == "whole",
		})
	}
	return fields
}

func keysOf(fields []field) []string {
	keys := make([]string, len(fields))
	for i := range fields {
		keys[i] = fields[i].key
	}
	return keys
}

// section reports whether the field holds keys of its own, or a list of such.
func (f *field) section() bool {
	t := f.typ
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	_, isScalar := scalarOf(t)
	return !isScalar && t.Kind() == reflect.Struct
}

// expected says what a value of the field looks like.
func (f *field) expected() string {
	t := f.typ
	switch {
	case f.section() && t.Kind() == reflect.Slice:
		return "a list of entries with the keys " + strings.Join(keysOf(fieldsOf(t.Elem())), ", ")
	case f.section():
		return "the keys " + strings.Join(keysOf(fieldsOf(t)), ", ")
	case t.Kind() == reflect.Map:
		if t.Elem() == reflect.TypeFor[[]Word]() {
			return "a mapping of calling codes to lists"
		}
		return "a mapping of countries to lists"
	case t.Kind() == reflect.Slice:
		t = t.Elem()
	}
	s, _ := scalarOf(t)
	return s.expects + f.bounds(s)
}

func (f *field) bounds(s scalar) string {
	switch {
	case f.octets > 0 && f.required:
		return fmt.Sprintf(" of 1 to %d octets", f.octets)
	case f.octets > 0:
		return fmt.Sprintf(" of at most %d octets", f.octets)
	case f.min != "" && f.max != "":
		return " from " + f.min + " to " + f.max
	case f.min != "":
		return ", at least " + f.min
	case f.max != "":
		return ", at most " + f.max
	case len(s.choices) == 0 && f.required && s.kind == textKind:
		return " that is not empty"
	default:
		return ""
	}
}

// within checks a value against the field's bounds.
func (f *field) within(v reflect.Value, s scalar) error {
	if s.textOf != nil {
		switch text := s.textOf(v); {
		case f.octets > 0 && len(text) > f.octets:
			return wrong(fmt.Sprintf("is longer than %d octets", f.octets))
		case f.ascii && strings.ContainsFunc(text, func(r rune) bool { return r > '~' }):
			return wrong("holds characters other than ASCII")
		}
	}
	for _, bound := range []struct {
		text string
		sign int // of the comparison that is out of bounds
	}{{f.min, -1}, {f.max, 1}} {
		if bound.text == "" {
			continue
		}
		limit, err := s.parse(bound.text)
		if err != nil {
			return fmt.Errorf("reading a bound of %s: %w", f.key, err)
		}
		if compare(v, limit) == bound.sign {
			return wrong("is out of range")
		}
	}
	return nil
}

func compare(a, b reflect.Value) int {
	switch {
	case a.CanInt():
		return cmp.Compare(a.Int(), b.Int())
	case a.CanUint():
		return cmp.Compare(a.Uint(), b.Uint())
	default:
		return cmp.Compare(a.Float(), b.Float())
	}
}

// oneOf is "a or b", or "one of a, b, c".
func oneOf(words []string) string {
	if len(words) <= 2 {
		return strings.Join(words, " or ")
	}
	return "one of " + strings.Join(words, ", ")
}

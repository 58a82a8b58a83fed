package configs

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Effective is the configuration as YAML, with every default in place and every
// secret hidden. It can be loaded again, but for the secrets.
func (c *Config) Effective() ([]byte, error) {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := encoder.Encode(node(reflect.ValueOf(c).Elem())); err != nil {
		return nil, fmt.Errorf("writing the effective configuration: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("writing the effective configuration: %w", err)
	}
	return b.Bytes(), nil
}

func node(v reflect.Value) *yaml.Node {
	t := v.Type()
	if answer, isAnswer := v.Interface().(VoiceAnswer); isAnswer && answer.Announce != "" {
		return section(v)
	}
	if s, isScalar := scalarOf(t); isScalar {
		return leaf(s, v)
	}
	switch t.Kind() {
	case reflect.Slice:
		return sequence(v)
	case reflect.Map:
		n := &yaml.Node{Kind: yaml.MappingNode}
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
		for _, key := range keys {
			n.Content = append(n.Content, word(key.String()), node(v.MapIndex(key)))
		}
		return n
	default:
		return section(v)
	}
}

// section is a mapping of the keys in their order; one of few short values
// takes one line.
func section(v reflect.Value) *yaml.Node {
	const few = 5
	n := &yaml.Node{Kind: yaml.MappingNode}
	fields := fieldsOf(v.Type())
	single := len(fields) <= few
	for i := range fields {
		f := &fields[i]
		value := node(v.FieldByIndex(f.index))
		single = single && (value.Kind == yaml.ScalarNode || (value.Style == yaml.FlowStyle && len(value.Content) <= 2))
		n.Content = append(n.Content, word(f.key), value)
	}
	if single {
		n.Style = yaml.FlowStyle
	}
	return n
}

func sequence(v reflect.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	if _, isScalar := scalarOf(v.Type().Elem()); isScalar || v.Len() == 0 {
		n.Style = yaml.FlowStyle
	}
	for i := range v.Len() {
		n.Content = append(n.Content, node(v.Index(i)))
	}
	return n
}

// leaf quotes text, so that a reader sees where it ends. Other values, which
// have a form of their own, are quoted only where YAML needs it.
func leaf(s scalar, v reflect.Value) *yaml.Node {
	text := s.format(v)
	n := word(strings.ReplaceAll(text, "${", "$${"))
	switch {
	case text == "" || s.kind == textKind || s.secret:
		n.Style = yaml.DoubleQuotedStyle
	case v.Kind() != reflect.String:
		n.Tag = "" // codes and sizes may look like numbers
	}
	return n
}

// word is text that the encoder quotes where it would be read as something else.
func word(text string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

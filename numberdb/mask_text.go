package numberdb

import (
	"errors"
	"slices"
	"strings"
)

// Listed reads a list as stores keep it, of names divided by '|'.
func Listed(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, "|")
}

// Faults of the text forms.
var (
	ErrShapeName = errors.New("shape: expected per_side, shared, group, public or lease")
	ErrFlag      = errors.New("flags: expected registered_address or registered")
)

func nameOf(i uint8, names []string) string {
	if int(i) < len(names) {
		return names[i]
	}
	return "unknown"
}

func valueOf(name string, names []string, fault error) (uint8, error) {
	i := slices.Index(names, name)
	if i < 0 {
		return 0, fault
	}
	return uint8(i), nil
}

func maskKinds() []string { return []string{"long_code", "short_code", "toll_free"} }

func maskStates() []string {
	return []string{"free", "held", "quarantined", "watchlisted", "draining", "retired"}
}

func selections() []string { return []string{"rotate", "prefer-sticky", "avoid-sticky", "pinned"} }

func shapes() []string { return []string{"per_side", "shared", "group", "public", "lease"} }

func endReasons() []string {
	return []string{"none", "released", "idle", "used_up", "burned", "rotated"}
}

func maskFlags() []string { return []string{"registered_address", "registered"} }

// String is the kind's name.
func (k MaskKind) String() string { return nameOf(uint8(k), maskKinds()) }

// ParseMaskKind reads what String writes.
func ParseMaskKind(s string) (MaskKind, error) {
	k, err := valueOf(s, maskKinds(), ErrMaskKind)
	return MaskKind(k), err
}

// String is the state's name.
func (s MaskState) String() string { return nameOf(uint8(s), maskStates()) }

// ParseMaskState reads what String writes.
func ParseMaskState(s string) (MaskState, error) {
	v, err := valueOf(s, maskStates(), ErrMaskState)
	return MaskState(v), err
}

// String is the selection's name.
func (s Selection) String() string { return nameOf(uint8(s), selections()) }

// ParseSelection reads what String writes.
func ParseSelection(s string) (Selection, error) {
	v, err := valueOf(s, selections(), ErrSelection)
	return Selection(v), err
}

// String is the shape's name.
func (s Shape) String() string { return nameOf(uint8(s), shapes()) }

// ParseShape reads what String writes.
func ParseShape(s string) (Shape, error) {
	v, err := valueOf(s, shapes(), ErrShapeName)
	return Shape(v), err
}

// String is the reason's name.
func (r EndReason) String() string { return nameOf(uint8(r), endReasons()) }

// Names are the flags' names.
func (f MaskFlags) Names() (names []string) {
	for i, name := range maskFlags() {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// ParseMaskFlags reads what Names returns.
func ParseMaskFlags(names []string) (flags MaskFlags, err error) {
	for _, name := range names {
		i, err := valueOf(name, maskFlags(), ErrFlag)
		if err != nil {
			return 0, err
		}
		flags |= 1 << i
	}
	return flags, nil
}

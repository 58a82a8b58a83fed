package rtpload

import (
	"bytes"
	"errors"
	"strconv"
)

var errBencode = errors.New("not bencoded")

const maxNesting = 16

// appendText adds a string.
func appendText(b []byte, s string) []byte {
	return append(append(strconv.AppendInt(b, int64(len(s)), 10), ':'), s...)
}

// appendDictionary adds pairs of a key and a value, in order, and a list of flags.
func appendDictionary(b []byte, flags []string, pairs ...string) []byte {
	b = append(b, 'd')
	for _, s := range pairs {
		b = appendText(b, s)
	}
	if len(flags) > 0 {
		b = append(appendText(b, "flags"), 'l')
		for _, s := range flags {
			b = appendText(b, s)
		}
		b = append(b, 'e')
	}
	return append(b, 'e')
}

// texts reads a dictionary and returns those of its values that are strings.
func texts(b []byte) (map[string]string, error) {
	if len(b) == 0 || b[0] != 'd' {
		return nil, errBencode
	}
	found := map[string]string{}
	for b = b[1:]; len(b) > 0 && b[0] != 'e'; {
		key, rest, err := text(b)
		if err != nil {
			return nil, err
		}
		if value, after, err := text(rest); err == nil {
			found[key], b = value, after
		} else if b, err = skip(rest, 0); err != nil {
			return nil, err
		}
	}
	if len(b) == 0 {
		return nil, errBencode
	}
	return found, nil
}

func text(b []byte) (s string, rest []byte, err error) {
	digits, rest, found := bytes.Cut(b, []byte{':'})
	n, err := strconv.ParseUint(string(digits), 10, 31)
	if !found || err != nil || n > uint64(len(rest)) {
		return "", nil, errBencode
	}
	return string(rest[:n]), rest[n:], nil
}

// skip leaves out a value of any kind.
func skip(b []byte, depth int) (rest []byte, err error) {
	switch {
	case len(b) == 0 || depth > maxNesting:
		return nil, errBencode
	case b[0] == 'i':
		_, rest, found := bytes.Cut(b, []byte{'e'})
		if !found {
			return nil, errBencode
		}
		return rest, nil
	case b[0] == 'l' || b[0] == 'd':
		for b = b[1:]; len(b) > 0 && b[0] != 'e'; {
			if b, err = skip(b, depth+1); err != nil {
				return nil, err
			}
		}
		if len(b) == 0 {
			return nil, errBencode
		}
		return b[1:], nil
	default:
		_, rest, err = text(b)
		return rest, err
	}
}

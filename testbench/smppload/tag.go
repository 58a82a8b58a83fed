package smppload

import (
	"bytes"
	"hash/crc32"
)

// A text is a tag and a filler:
//
//	ml1 <run> <message> <source> <checksum> xxxx…
//
// run and message are eight, source four, checksum eight hexadecimal digits. The
// checksum is over everything but itself. All of it is in the GSM alphabet.
const (
	tagMark   = "ml1 "
	runAt     = len(tagMark)
	messageAt = runAt + 9
	sourceAt  = messageAt + 9
	sumAt     = sourceAt + 5
	sumEnd    = sumAt + 8
	tagLen    = sumEnd
)

// tagger writes and reads the texts of one run.
type tagger struct {
	run      [8]byte
	template []byte // of a text: mark, run and filler
	table    *crc32.Table
}

func newTagger(run uint32, length int) *tagger {
	t := &tagger{template: bytes.Repeat([]byte{'x'}, length), table: crc32.MakeTable(crc32.Castagnoli)}
	copy(t.template, tagMark)
	putHex(t.run[:], run)
	copy(t.template[runAt:], t.run[:])
	for _, at := range []int{messageAt, sourceAt, sumAt, sumEnd + 1} {
		if at <= len(t.template) {
			t.template[at-1] = ' '
		}
	}
	return t
}

// append appends the text of a message.
func (t *tagger) append(dst []byte, message uint32, source uint16) []byte {
	at := len(dst)
	dst = append(dst, t.template...)
	text := dst[at:]
	putHex(text[messageAt:messageAt+8], message)
	putHex(text[sourceAt:sourceAt+4], uint32(source))
	putHex(text[sumAt:sumEnd], t.sum(text))
	return dst
}

func (t *tagger) sum(text []byte) uint32 {
	return crc32.Update(crc32.Checksum(text[:sumAt], t.table), t.table, text[sumEnd:])
}

// verdict is what a text turned out to be.
type verdict uint8

const (
	ours    verdict = iota
	altered         // it is not what any tool of ours wrote
	foreign         // of another run
)

// parse reads a text.
func (t *tagger) parse(text []byte) (message uint32, source uint16, v verdict) {
	if len(text) < tagLen || string(text[:runAt]) != tagMark {
		return 0, 0, altered
	}
	message, ok1 := hexOf(text[messageAt : messageAt+8])
	from, ok2 := hexOf(text[sourceAt : sourceAt+4])
	sum, ok3 := hexOf(text[sumAt:sumEnd])
	switch {
	case !ok1 || !ok2 || !ok3 || sum != t.sum(text):
		return 0, 0, altered
	case !bytes.Equal(text[runAt:runAt+8], t.run[:]):
		return message, uint16(from), foreign
	case len(text) != len(t.template): // checksums do not see what both ends agree to cut
		return message, uint16(from), altered
	default:
		return message, uint16(from), ours
	}
}

const hexDigits = "0123456789abcdef"

func putHex(dst []byte, v uint32) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = hexDigits[v&15]
		v >>= 4
	}
}

func hexOf(text []byte) (v uint32, ok bool) {
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint32(c)
	}
	return v, true
}

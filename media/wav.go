package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Bounds of a prompt's file.
const (
	maxSound    = time.Minute
	maxSamples  = int(maxSound/time.Second) * sampleRate
	maxWAV      = 2*maxSamples + 64<<10 // octets, the other chunks included
	maxChunks   = 32
	sampleRate  = 8000 // Hz
	formatPCM   = 1
	formatALaw  = 6
	formatMuLaw = 7
)

// ErrWAV says that a file is no WAV file that can be played.
var ErrWAV = errors.New("not a playable WAV file: 8 kHz mono, PCM of 16 bits, A-law or mu-law, at most 1 minute")

// wavFault says what is wrong with a file.
type wavFault string

func (f wavFault) Error() string { return string(f) }

// parseWAV reads a RIFF/WAVE file whole. Its sizes are held against the file's
// own, chunks that it does not know are passed over.
func parseWAV(b []byte) (*Sound, error) {
	s, err := readWAV(b)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrWAV, err)
	}
	return s, nil
}

func readWAV(b []byte) (*Sound, error) {
	const riffHeader, chunkHeader = 12, 8
	switch {
	case len(b) > maxWAV:
		return nil, wavFault("the file is too large")
	case len(b) < riffHeader || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE":
		return nil, wavFault("no RIFF/WAVE header")
	}
	size := uint64(binary.LittleEndian.Uint32(b[4:])) + chunkHeader
	if size < riffHeader || size > uint64(len(b)) {
		return nil, wavFault("the RIFF size is not that of the file")
	}
	var format *wavFormat
	for rest, n := b[riffHeader:size], 0; len(rest) >= chunkHeader; n++ {
		name, size := string(rest[:4]), uint64(binary.LittleEndian.Uint32(rest[4:]))
		body := rest[chunkHeader:]
		if n == maxChunks || size > uint64(len(body)) {
			return nil, wavFault("a chunk is longer than the file, or there are too many")
		}
		body, rest = body[:size], body[min(size+size&1, uint64(len(body))):] // chunks begin at even places
		switch name {
		case "fmt ":
			f, err := parseFormat(body)
			if err != nil || format != nil {
				return nil, errors.Join(err, wavFault("its format chunk"))
			}
			format = f
		case "data":
			if format == nil {
				return nil, wavFault("data before its format")
			}
			return format.sound(body)
		}
	}
	return nil, wavFault("no data")
}

// wavFormat is what the format chunk leaves open.
type wavFormat struct {
	tag    uint16
	octets int // of a sample
}

func parseFormat(b []byte) (*wavFormat, error) {
	const least, longest = 16, 40
	if len(b) < least || len(b) > longest {
		return nil, wavFault("a format chunk of an unknown kind")
	}
	field := func(at int) uint16 { return binary.LittleEndian.Uint16(b[at:]) }
	f := &wavFormat{tag: field(0), octets: 1}
	if f.tag == formatPCM {
		f.octets = 2
	}
	octets := uint32(f.octets)
	switch {
	case f.tag != formatPCM && f.tag != formatALaw && f.tag != formatMuLaw:
		return nil, wavFault("neither PCM nor A-law nor mu-law")
	case field(2) != 1:
		return nil, wavFault("not mono")
	case binary.LittleEndian.Uint32(b[4:]) != sampleRate || binary.LittleEndian.Uint32(b[8:]) != sampleRate*octets:
		return nil, wavFault("not 8000 samples a second")
	case uint32(field(12)) != octets || uint32(field(14)) != 8*octets:
		return nil, wavFault("another number of bits")
	}
	return f, nil
}

func (f *wavFormat) sound(data []byte) (*Sound, error) {
	n := len(data) / f.octets
	switch {
	case len(data)%f.octets != 0:
		return nil, wavFault("half a sample at the end")
	case n == 0:
		return nil, wavFault("no samples")
	case n > maxSamples:
		return nil, wavFault("longer than 1 minute")
	}
	switch f.tag {
	case formatALaw:
		return fromCompanded(data, aLaw), nil
	case formatMuLaw:
		return fromCompanded(data, muLaw), nil
	default:
		samples := make([]int16, n)
		for i := range samples {
			samples[i] = int16(binary.LittleEndian.Uint16(data[2*i:]))
		}
		return newSound(samples), nil
	}
}

package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// WAVOptions say how a call is written.
type WAVOptions struct {
	// Mixed puts both sides into one channel. False: A is the left one, B the right.
	Mixed bool
	// Longest ends the recording; what comes later is left out. Required, at most 4 h.
	Longest time.Duration
	// OnEnd is called once, from the recording's goroutine: with nil once the file
	// stands under its name, or with why there is none. May be nil.
	OnEnd func(WAVEnd)
}

// WAVEnd is what became of a recording.
type WAVEnd struct {
	Length time.Duration
	Lost   uint64 // packets that the queue did not hold
	Late   uint64 // packets that came more than a second late, or after Longest
	Err    error  // there is no file
}

// WAVFile is a [Tap] that writes a WAV file of 8 kHz and 16 bits: PCMU and PCMA as
// they sound, silence for all that did not come. It is written under another name, and
// has its own once it is whole. It is not encrypted.
type WAVFile struct {
	name    string
	options WAVOptions
	file    *os.File
	tape    tape
	err     error
}

const wavHeader = 44 // octets, with the format and the data's own

// CreateWAV opens a file for a recording, readable by its owner alone. The name must
// hold no number of anybody's. A file of that name is replaced at the end.
func CreateWAV(name string, options WAVOptions) (*WAVFile, error) {
	if options.Longest <= 0 || options.Longest > tapeMost {
		return nil, errors.New("the longest recording is above 0 and at most 4 h")
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".recording-*") // 0600
	if err != nil {
		return nil, fmt.Errorf("creating a recording: %w", err)
	}
	w := &WAVFile{name: name, options: options, file: file}
	w.tape = tape{out: file, mixed: options.Mixed, most: int64(options.Longest) * sampleRate / int64(time.Second)}
	if _, err := file.Write(make([]byte, wavHeader)); err != nil {
		return nil, errors.Join(fmt.Errorf("beginning a recording: %w", err), w.discard())
	}
	return w, nil
}

// Hear writes a packet.
func (w *WAVFile) Hear(p Heard) {
	if w.err == nil {
		w.err = w.tape.hear(&p)
	}
}

// End gives the file its name, or removes it.
func (w *WAVFile) End(lost uint64) {
	err := w.err
	if err == nil {
		err = w.complete()
	}
	if err != nil {
		err = errors.Join(fmt.Errorf("writing a recording: %w", err), w.discard())
	}
	if w.options.OnEnd != nil {
		length := time.Duration(w.tape.written) * time.Second / sampleRate
		w.options.OnEnd(WAVEnd{Length: length, Lost: lost, Late: w.tape.late, Err: err})
	}
}

func (w *WAVFile) complete() error {
	if err := w.tape.finish(); err != nil {
		return err
	}
	if _, err := w.file.WriteAt(w.header(), 0); err != nil {
		return err
	}
	if err := w.file.Sync(); err != nil {
		return err
	}
	if err := w.file.Close(); err != nil {
		return err
	}
	return os.Rename(w.file.Name(), w.name)
}

// discard leaves nothing behind.
func (w *WAVFile) discard() error {
	_ = w.file.Close() // it may be closed already
	if err := os.Remove(w.file.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// header is that of RIFF/WAVE, with the format and the length of the data.
func (w *WAVFile) header() []byte {
	channels := w.tape.channels()
	block := 2 * channels
	size := uint32(w.tape.written) * uint32(block)
	le := binary.LittleEndian
	b := append(make([]byte, 0, wavHeader), "RIFF"...)
	b = le.AppendUint32(b, wavHeader-8+size)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 16)
	b = le.AppendUint16(b, formatPCM)
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, sampleRate)
	b = le.AppendUint32(b, uint32(sampleRate*block))
	b = le.AppendUint16(b, uint16(block))
	b = le.AppendUint16(b, 16)
	b = append(b, "data"...)
	return le.AppendUint32(b, size)
}

var _ Tap = (*WAVFile)(nil)

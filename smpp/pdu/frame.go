package pdu

import (
	"encoding/binary"
	"io"
)

// Frame limits in octets.
const (
	MaxUnbound = 1 << 10 // no PDU before the bind is longer
	MaxBound   = 70_000  // a message_payload of 64 KiB and room for the rest
)

const fieldCommandLength = "command_length"

// Reader cuts a stream into frames. It checks command_length before it makes
// room for a frame, so it never holds more than the limit. It sets no
// deadlines.
type Reader struct {
	src        io.Reader
	buf        []byte
	begin, end int
	limit      int
	size       int
}

// NewReader reads frames of at most limit octets from src, into a buffer of
// size octets that grows only while a longer frame needs it.
func NewReader(src io.Reader, limit, size int) *Reader {
	r := &Reader{src: src}
	r.SetLimit(limit, size)
	return r
}

// SetLimit changes the limit and the buffer's size; frames returned before are
// no longer valid.
func (r *Reader) SetLimit(limit, size int) {
	r.limit, r.size = limit, max(size, HeaderLen)
	if len(r.buf) < r.size {
		r.resize(r.size)
	}
}

// Next returns the next whole frame in the buffer, or nil where Fill is due.
// A command_length out of range is a Fault; then the frame is the bare header
// and the stream cannot be read further.
func (r *Reader) Next() ([]byte, error) {
	have := r.buf[r.begin:r.end]
	if len(have) < HeaderLen {
		return nil, nil
	}
	length := binary.BigEndian.Uint32(have)
	if length < HeaderLen || length > uint32(r.limit) {
		return have[:HeaderLen:HeaderLen], &Fault{fieldCommandLength, RInvCmdLen}
	}
	if uint32(len(have)) < length {
		return nil, nil
	}
	r.begin += int(length)
	return have[:length:length], nil
}

// Partial reports whether the buffer holds the beginning of a frame.
func (r *Reader) Partial() bool { return r.end > r.begin }

// Fill reads from the stream once. Call it only after Next returned nil.
func (r *Reader) Fill() (int, error) {
	r.makeRoom()
	n, err := r.src.Read(r.buf[r.end:])
	r.end += n
	if n > 0 {
		return n, nil // an error comes again with the next read
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return 0, err
}

// makeRoom moves the begun frame to the front of a buffer that can hold it.
func (r *Reader) makeRoom() {
	need := r.size
	if have := r.buf[r.begin:r.end]; len(have) >= HeaderLen {
		need = max(need, int(min(binary.BigEndian.Uint32(have), uint32(r.limit))))
	}
	if len(r.buf) != need {
		r.resize(need)
		return
	}
	r.end = copy(r.buf, r.buf[r.begin:r.end])
	r.begin = 0
}

func (r *Reader) resize(size int) {
	buf := make([]byte, max(size, r.end-r.begin))
	r.end = copy(buf, r.buf[r.begin:r.end])
	r.buf, r.begin = buf, 0
}

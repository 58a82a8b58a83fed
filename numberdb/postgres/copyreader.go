package postgres

import (
	"encoding/binary"
)

const (
	copySignature = "PGCOPY\n\xff\r\n\x00"
	copyHeader    = len(copySignature) + 8 // flags and length of the extension
	maxCopyRow    = 64 << 10               // octets
)

// copyReader reads COPY's binary format as it is written to it, in pieces of any
// size, and calls row with the values of each row, valid during the call only.
// PostgreSQL documentation, COPY, "Binary Format".
type copyReader struct {
	row    func(values [][]byte) error
	values rowValues
	rest   []byte // of what was written, less than one row
	begun  bool
	ended  bool
}

func newCopyReader(row func(values [][]byte) error) *copyReader { return &copyReader{row: row} }

// Write takes the next piece; it keeps nothing of it but an incomplete row.
func (c *copyReader) Write(piece []byte) (int, error) {
	data := piece
	if len(c.rest) > 0 {
		c.rest = append(c.rest, piece...)
		data = c.rest
	}
	left, err := c.read(data)
	if err != nil {
		return 0, err
	}
	if len(left) > maxCopyRow {
		return 0, malformed("a row of COPY is too long")
	}
	if len(left) == 0 {
		c.rest = c.rest[:0]
	} else if len(c.rest) > 0 {
		c.rest = c.rest[:copy(c.rest, left)]
	} else {
		c.rest = append(c.rest[:0], left...)
	}
	return len(piece), nil
}

// close checks that the data ended where the format ends.
func (c *copyReader) close() error {
	if !c.ended || len(c.rest) > 0 {
		return malformed("COPY ended early")
	}
	return nil
}

// read reads all whole rows of data and returns what is left.
func (c *copyReader) read(data []byte) ([]byte, error) {
	if !c.begun {
		if len(data) < copyHeader {
			return data, nil
		}
		header := data[:copyHeader]
		// No flag that changes the format, no extension.
		if string(header[:len(copySignature)]) != copySignature || binary.BigEndian.Uint64(header[len(copySignature):]) != 0 {
			return nil, malformed("the header of COPY")
		}
		c.begun, data = true, data[copyHeader:]
	}
	for len(data) > 0 {
		if c.ended {
			return nil, malformed("data after the end of COPY")
		}
		size, err := c.rowSize(data)
		if err != nil || size == 0 {
			return data, err
		}
		if err := c.take(data[:size]); err != nil {
			return nil, err
		}
		data = data[size:]
	}
	return nil, nil
}

// rowSize is the size of the row that data begins with, 0 where it is not whole
// yet.
func (c *copyReader) rowSize(data []byte) (int, error) {
	if len(data) < 2 {
		return 0, nil
	}
	fields := int16(binary.BigEndian.Uint16(data))
	if fields == -1 {
		return 2, nil
	}
	if fields != columnCount {
		return 0, malformed("the number of columns")
	}
	size := 2
	for range fields {
		if len(data) < size+4 {
			return 0, nil
		}
		length := int32(binary.BigEndian.Uint32(data[size:]))
		if length < -1 || length > maxField {
			return 0, malformed("the length of a value")
		}
		size += 4 + max(0, int(length))
	}
	if len(data) < size {
		return 0, nil
	}
	return size, nil
}

// take reads one whole row, or the trailer.
func (c *copyReader) take(row []byte) error {
	row = row[2:]
	if len(row) == 0 {
		c.ended = true
		return nil
	}
	for i := range c.values {
		length := int32(binary.BigEndian.Uint32(row))
		row = row[4:]
		if length < 0 {
			c.values[i] = nil
			continue
		}
		c.values[i], row = row[:length:length], row[length:]
	}
	return c.row(c.values[:])
}

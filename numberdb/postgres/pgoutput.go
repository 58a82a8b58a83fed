package postgres

import (
	"bytes"
	"encoding/binary"
	"time"

	"maskline/numberdb"
)

const (
	maxRelationColumns = 1600 // MaxTupleAttributeNumber is 1664
	maxName            = 64   // NAMEDATALEN
	bindingsSchema     = "maskline"
	bindingsTable      = "bindings"
)

// pgoutput decodes the messages of Postgres' logical replication, version 1 of
// its protocol. PostgreSQL documentation, chapter 55.9.
type pgoutput struct {
	layout layout // of the table when it was loaded
	places []int  // its columns among ours
	sink   changeSink

	values   rowValues
	relation uint32 // OID of bindings, 0: not told yet
	inside   bool   // a transaction
	xid      uint32 // of it
}

// changeSink takes what the stream tells. What it is given is valid during the
// call only.
type changeSink interface {
	put(values [][]byte)
	remove(rowKey)
	commit(xid uint32, end numberdb.Position, at time.Time)
}

// rowKey is the key of a row.
type rowKey struct {
	mask  int64
	party numberdb.HiddenParty
}

func (l layout) equal(o layout) bool {
	if len(l) != len(o) {
		return false
	}
	for i := range l {
		if l[i] != o[i] {
			return false
		}
	}
	return true
}

func newPgoutput(loaded layout, sink changeSink) *pgoutput {
	return &pgoutput{layout: loaded, places: columnPlaces(loaded), sink: sink}
}

// message takes one message. numberdb.ErrFeedLost means that the table has to
// be read again: it was truncated, or altered since it was loaded.
func (p *pgoutput) message(data []byte) error {
	if len(data) == 0 {
		return malformed("an empty message")
	}
	in := fields{data: data[1:]}
	var err error
	switch data[0] {
	case 'B':
		err = p.begin(&in)
	case 'C':
		err = p.commit(&in)
	case 'R':
		err = p.relate(&in)
	case 'I', 'U', 'D':
		err = p.change(data[0], &in)
	case 'T':
		return numberdb.ErrFeedLost
	case 'Y', 'O', 'M': // types, origins and messages of others say nothing of bindings
		return nil
	default:
		return malformed("an unknown message")
	}
	if err == nil {
		err = in.end()
	}
	return err
}

func (p *pgoutput) begin(in *fields) error {
	if p.inside {
		return malformed("a transaction in another")
	}
	p.inside = true
	in.skip(8 + 8) // LSN of the commit, its time
	p.xid = in.uint32()
	return nil
}

func (p *pgoutput) commit(in *fields) error {
	if !p.inside {
		return malformed("a commit without its begin")
	}
	p.inside = false
	in.skip(1 + 8) // flags, LSN of the commit
	end, at := in.uint64(), in.uint64()
	if in.failed {
		return malformed("a commit")
	}
	p.sink.commit(p.xid, numberdb.Position(end), fromPostgres(int64(at)))
	return nil
}

func (p *pgoutput) relate(in *fields) error {
	oid := in.uint32()
	schema, table := in.name(), in.name()
	in.skip(1) // REPLICA IDENTITY
	count := int(in.uint16())
	if in.failed || count > maxRelationColumns {
		return malformed("a relation")
	}
	if schema != bindingsSchema || table != bindingsTable {
		in.rest()
		return nil
	}
	told := make(layout, 0, count)
	for range count {
		in.skip(1) // part of the key
		name, oid := in.name(), in.uint32()
		in.skip(4) // type modifier
		told = append(told, layoutColumn{name, oid})
	}
	if in.failed {
		return malformed("a relation's columns")
	}
	if p.relation != 0 && p.relation != oid || !told.equal(p.layout) {
		return numberdb.ErrFeedLost
	}
	p.relation = oid
	return nil
}

// change takes an insertion, update or deletion.
func (p *pgoutput) change(kind byte, in *fields) error {
	oid := in.uint32()
	if in.failed || !p.inside {
		return malformed("a change")
	}
	if p.relation == 0 || oid != p.relation {
		// The publication holds other tables too, or it was told nothing of ours.
		in.rest()
		return nil
	}
	part := in.byte()
	var old *rowKey
	if kind != 'I' && (part == 'K' || part == 'O') {
		has, err := p.tuple(in)
		if err != nil {
			return err
		}
		if has&keyParts != keyParts {
			return malformed("an old row without its key")
		}
		key, err := p.key()
		if err != nil {
			return err
		}
		old = &key
		if kind == 'D' {
			p.sink.remove(*old)
			return nil
		}
		part = in.byte()
	}
	if part != 'N' || kind == 'D' {
		return malformed("a change of an unknown form")
	}
	return p.newRow(in, old)
}

// newRow takes an inserted row, or an updated one whose key was old if it is
// told.
func (p *pgoutput) newRow(in *fields, old *rowKey) error {
	has, err := p.tuple(in)
	if err != nil {
		return err
	}
	if has&keyParts != keyParts {
		return malformed("a row without its key")
	}
	if has != allParts {
		// A value is NULL, or is left out since it lies in a table of its own and
		// did not change.
		return numberdb.ErrFeedLost
	}
	key, err := p.key()
	if err != nil {
		return err
	}
	if old != nil && *old != key {
		p.sink.remove(*old)
	}
	p.sink.put(p.values[:])
	return nil
}

func (p *pgoutput) key() (rowKey, error) {
	mask, party, err := readKey(p.values[:])
	if err != nil {
		return rowKey{}, malformed("a key")
	}
	return rowKey{mask, party}, nil
}

const (
	allParts = 1<<columnCount - 1
	keyParts = 1<<keyColumnCount - 1
)

// tuple reads a row and returns the set of columns that have values.
func (p *pgoutput) tuple(in *fields) (has uint32, err error) {
	if int(in.uint16()) != len(p.places) || in.failed {
		return 0, malformed("the number of columns")
	}
	for _, place := range p.places {
		form := in.byte()
		if form == 'n' || form == 'u' {
			continue
		}
		length := int32(in.uint32())
		if length < 0 || place >= 0 && length > maxField {
			return 0, malformed("the length of a value")
		}
		value := in.octets(int(length))
		if in.failed {
			return 0, malformed("a value")
		}
		if place < 0 {
			continue
		}
		switch form {
		case 'b':
		case 't':
			if value, err = fromText(place, value); err != nil {
				return 0, err
			}
		default:
			return 0, malformed("the form of a value")
		}
		p.values[place] = value
		has |= 1 << place
	}
	if in.failed {
		return 0, malformed("a row")
	}
	return has, nil
}

// fields reads a message from its front. After it met the end, failed is set
// and all it returns is zero.
type fields struct {
	data   []byte
	failed bool
}

func (f *fields) octets(n int) []byte {
	if n > len(f.data) {
		f.failed, f.data = true, nil
		return nil
	}
	value := f.data[:n:n]
	f.data = f.data[n:]
	return value
}

func (f *fields) skip(n int) { f.octets(n) }

func (f *fields) rest() { f.data = nil }

func (f *fields) byte() byte {
	if b := f.octets(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fields) uint16() uint16 {
	if b := f.octets(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (f *fields) uint32() uint32 {
	if b := f.octets(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (f *fields) uint64() uint64 {
	if b := f.octets(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// name reads a text that ends with a zero octet.
func (f *fields) name() string {
	n := bytes.IndexByte(f.data[:min(len(f.data), maxName)], 0)
	if n < 0 {
		f.failed, f.data = true, nil
		return ""
	}
	name := string(f.data[:n])
	f.data = f.data[n+1:]
	return name
}

// end tells whether the message was read to its end and not beyond.
func (f *fields) end() error {
	if f.failed || len(f.data) > 0 {
		return malformed("the length of a message")
	}
	return nil
}

// fromPostgres is a time on the wire: microseconds since 2000.
func fromPostgres(us int64) time.Time {
	return time.UnixMicro(us + microsTo2000)
}

const microsTo2000 = 946_684_800_000_000

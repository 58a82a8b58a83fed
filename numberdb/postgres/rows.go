package postgres

import (
	"encoding/binary"
	"errors"

	"github.com/jackc/pgx/v5"

	"maskline/numberdb"
)

// columns of maskline.bindings in the order of the table.
const (
	columns     = `mask, party, sealed, present, second, services, carriers, expires, tenant, session, counted, keep, digest`
	columnCount = 13
)

// binaryForm asks for what readRow reads.
func binaryForm() pgx.QueryResultFormats { return pgx.QueryResultFormats{pgx.BinaryFormatCode} }

var errRow = errors.New("a row of bindings has another form than this version knows")

// readKey reads the binary forms of mask and party, as SELECT, COPY and logical
// replication give them.
func readKey(values [][]byte) (mask int64, party numberdb.HiddenParty, err error) {
	if len(values) < 2 || len(values[0]) != 8 || len(values[1]) != len(party) {
		return 0, party, errRow
	}
	copy(party[:], values[1])
	return int64(binary.BigEndian.Uint64(values[0])), party, nil
}

// readRow reads the binary forms of the columns, those of a newer version left
// out. Sealed lies in values; equal texts are shared through the opener.
func readRow(values [][]byte, opener *numberdb.Opener, s *numberdb.Stored) (err error) {
	if len(values) < columnCount || len(values[5]) != 2 || len(values[10]) != 1 {
		return errRow
	}
	if s.Mask, s.Party, err = readKey(values); err != nil {
		return err
	}
	for _, field := range [...]struct {
		column int
		to     *int64
	}{{3, &s.Present}, {4, &s.Second}, {7, &s.Expires}, {9, &s.Session}, {11, &s.Keep}, {12, &s.Digest}} {
		if len(values[field.column]) != 8 {
			return errRow
		}
		*field.to = int64(binary.BigEndian.Uint64(values[field.column]))
	}
	s.Sealed = values[2]
	s.Services = int16(binary.BigEndian.Uint16(values[5]))
	s.Carriers, s.Tenant = opener.Text(values[6]), opener.Text(values[8])
	s.Counted = values[10][0] != 0
	return nil
}

// writeRows are the parameters of upsert: an array for each column.
func writeRows(rows []numberdb.Stored) []any {
	var numbers [7][]int64
	for i := range numbers {
		numbers[i] = make([]int64, len(rows))
	}
	parties, sealed, services := make([][]byte, len(rows)), make([][]byte, len(rows)), make([]int16, len(rows))
	carriers, tenants, counted := make([]string, len(rows)), make([]string, len(rows)), make([]bool, len(rows))
	for i := range rows {
		s := &rows[i]
		for c, value := range [...]int64{s.Mask, s.Present, s.Second, s.Expires, s.Session, s.Keep, s.Digest} {
			numbers[c][i] = value
		}
		parties[i], sealed[i], services[i] = s.Party[:], s.Sealed, s.Services
		carriers[i], tenants[i], counted[i] = s.Carriers, s.Tenant, s.Counted
	}
	return []any{
		numbers[0], parties, sealed, numbers[1], numbers[2], services, carriers, numbers[3], tenants, numbers[4], counted, numbers[5], numbers[6],
	}
}

// writeKeys are the parameters of lockRows and remove.
func writeKeys(rows []numberdb.Stored) []any {
	masks, parties := make([]int64, len(rows)), make([][]byte, len(rows))
	for i := range rows {
		masks[i], parties[i] = rows[i].Mask, rows[i].Party[:]
	}
	return []any{masks, parties}
}

package prefix

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"maskline/numberdb"
)

// Export writes the table in the form that Import reads: sorted by prefix and
// carrier, lines ended by LF. The same rows always give the same octets. The
// columns services and valid_from are written where any row needs them.
func (t *Table) Export(w io.Writer) error {
	count := required
	for i := range t.Rows {
		if t.Rows[i].Services != numberdb.SMS|numberdb.Voice {
			count = max(count, colServices+1)
		}
		if t.Rows[i].From > 0 {
			count = colFrom + 1
			break
		}
	}
	out := bufio.NewWriterSize(w, 64<<10)
	_, _ = out.WriteString(strings.Join(columns[:count], ",") + "\n") // Flush returns its error
	var line []byte
	for i := range t.Rows {
		line = append(t.appendRow(line[:0], &t.Rows[i], count), '\n')
		_, _ = out.Write(line)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing prefixes: %w", err)
	}
	return nil
}

func (t *Table) appendRow(dst []byte, r *Row, count int) []byte {
	dst = append(append(dst, t.Carriers[r.Carrier]...), ',')
	if r.Prefix == 0 {
		dst = append(dst, everything...)
	}
	dst = append(r.Prefix.append(dst, r.Prefix.Len()), ',')
	dst = append(append(dst, FormatCost(r.Cost)...), ',')
	if r.Quality != NoQuality {
		dst = strconv.AppendUint(dst, uint64(r.Quality), 10)
	}
	if count > colServices {
		dst = append(dst, ',')
		if r.Services != numberdb.SMS|numberdb.Voice {
			dst = append(dst, r.Services.String()...)
		}
	}
	if count > colFrom {
		dst = append(dst, ',')
		if r.From > 0 {
			dst = time.Unix(int64(r.From), 0).UTC().AppendFormat(dst, time.RFC3339)
		}
	}
	return dst
}

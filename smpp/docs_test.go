package smpp

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"maskline/routing"
	"maskline/smpp/pdu"
)

// docsTable reads the first table below a heading of docs/smpp.md, without its
// head. A cell in code is bare.
func docsTable(t *testing.T, heading string) [][]string {
	t.Helper()
	page, err := os.ReadFile("../docs/smpp.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(page), "\n"+heading+"\n")
	if !found {
		t.Fatalf("docs/smpp.md has no heading %q", heading)
	}
	var rows [][]string
	for line := range strings.Lines(rest) {
		if line[0] == '#' || line[0] != '|' && len(rows) > 0 {
			break
		}
		if line[0] == '|' {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
			for i := range cells {
				cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
			}
			rows = append(rows, cells)
		}
	}
	if len(rows) < 3 {
		t.Fatalf("docs/smpp.md has no table below %q", heading)
	}
	return rows[2:]
}

var statusText = regexp.MustCompile(`0x[0-9A-F]+`)

// statusesIn lists the statuses that a cell names; "any other" names none.
func statusesIn(t *testing.T, cell string) (all []pdu.Status) {
	t.Helper()
	for _, text := range statusText.FindAllString(cell, -1) {
		n, err := strconv.ParseUint(text, 0, 32)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, pdu.Status(n))
	}
	if len(all) == 0 && cell != "any other" {
		t.Fatalf("%q names no status", cell)
	}
	return all
}

// documented spreads the rows of a table over all statuses.
func documented(t *testing.T, rows [][]string) func(pdu.Status) []string {
	t.Helper()
	named := map[pdu.Status][]string{}
	var others []string
	for _, row := range rows {
		statuses := statusesIn(t, row[0])
		if len(statuses) == 0 {
			others = row
		}
		for _, s := range statuses {
			if named[s] != nil {
				t.Errorf("0x%02X stands twice", uint32(s))
			}
			named[s] = row
		}
	}
	return func(s pdu.Status) []string {
		if row := named[s]; row != nil {
			return row
		}
		return others
	}
}

// lastTried is beyond the vendors' own statuses.
const lastTried = pdu.RVendorLast + 1

func TestDocsOfVerdicts(t *testing.T) {
	rows := map[string][]string{}
	for _, row := range docsTable(t, "### By verdict") {
		rows[row[0]] = row
	}
	accounts := accountReplies()
	// Codes that tell which of the three was taken.
	carriers := carrierReplies(Reply{Temporary: 0x401, Permanent: 0x402, Throttled: 0x403})
	codes := map[string]pdu.Status{"0x00": pdu.ROK, "temporary": 0x401, "permanent": 0x402, "throttled": 0x403}
	for _, v := range routing.Verdicts() {
		row := rows[v.String()]
		if row == nil {
			t.Errorf("%v is missing", v)
			continue
		}
		if got, want := accounts.of(refusalOf(v)), statusesIn(t, row[2])[0]; got != want {
			t.Errorf("%v: accounts get 0x%02X, documented 0x%02X", v, uint32(got), uint32(want))
		}
		want, known := codes[row[3]]
		if got := carriers.of(refusalOf(v)); !known || got != want {
			t.Errorf("%v: carriers get 0x%02X, documented %q", v, uint32(got), row[3])
		}
	}
	if len(rows) != len(routing.Verdicts()) {
		t.Errorf("%d verdicts are documented, %d are there", len(rows), len(routing.Verdicts()))
	}
}

func TestDocsOfDownstreamRefusals(t *testing.T) {
	row := documented(t, docsTable(t, "### Downstream refusals, as accounts hear them"))
	for s := pdu.Status(1); s <= lastTried; s++ {
		if got, want := refusalByStatus(s).status(), statusesIn(t, row(s)[1])[0]; got != want {
			t.Errorf("0x%02X becomes 0x%02X, documented 0x%02X", uint32(s), uint32(got), uint32(want))
		}
	}
}

func TestDocsOfStatuses(t *testing.T) {
	meaning := map[attempt][3]string{
		taken:     {"no", "accepted", "no"},
		final:     {"no", "refused", "no"},
		elsewhere: {"yes", "refused", "no"},
		busy:      {"yes", "temporary", "no"},
		faulty:    {"yes", "temporary", "yes"},
	}
	row := documented(t, docsTable(t, "## What a downstream's status means"))
	for s := pdu.ROK; s <= lastTried; s++ {
		if want := [3]string(row(s)[1:4]); meaning[attemptOf(s)] != want {
			t.Errorf("0x%02X: %v, documented %v", uint32(s), meaning[attemptOf(s)], want)
		}
	}
}

func TestDocsOfContent(t *testing.T) {
	header := func(elements ...byte) func(*pdu.Message) {
		return func(m *pdu.Message) { m.ESMClass, m.ShortMessage = pdu.ESMUDHI, elements }
	}
	long := []byte(strings.Repeat("4", maxAddress+1))
	// By the beginning of the documented row.
	faults := map[string]func(*pdu.Message){
		"schedule_delivery_time": func(m *pdu.Message) { m.ScheduleDeliveryTime = []byte("260101000000000+") },
		"sm_default_msg_id":      func(m *pdu.Message) { m.DefaultMessageID = 1 },
		"priority_flag":          func(m *pdu.Message) { m.PriorityFlag = maxPriority + 1 },
		"validity_period":        func(m *pdu.Message) { m.ValidityPeriod = []byte("2601010000000000") },
		"protocol_id":            func(m *pdu.Message) { m.ProtocolID = maxProtocolID + 1 },
		"data_coding":            func(m *pdu.Message) { m.DataCoding = 0xF6 },
		"a SIM toolkit element":  header(2, 0x70, 0),
		"a user data header":     header(9, 0x00, 3, 1),
		"a segment with part 0":  header(5, 0x00, 3, 1, 2, 0),
		"a TLV that passes":      func(m *pdu.Message) { m.TLVs = pdu.AppendTLV(nil, pdu.TagSarMsgRefNum, []byte{1}) },
		"a source address":       func(m *pdu.Message) { m.Source.Digits = long },
		"a destination address":  func(m *pdu.Message) { m.Destination.Digits = long },
	}
	rows := docsTable(t, "### Content that is refused")
	if len(rows) != len(faults) {
		t.Errorf("%d rows, %d of them tried", len(rows), len(faults))
	}
	for _, row := range rows {
		tried := false
		for begin, spoil := range faults {
			if !strings.HasPrefix(row[0], begin) {
				continue
			}
			tried = true
			in := pdu.Message{ShortMessage: []byte("hello")}
			spoil(&in)
			m := &message{up: &session{dialer: &dialer{}}, command: pdu.SubmitSM}
			if got, want := m.fill(&in, &format{}).status(), statusesIn(t, row[1])[0]; got != want {
				t.Errorf("%s: 0x%02X, documented 0x%02X", row[0], uint32(got), uint32(want))
			}
		}
		if !tried {
			t.Errorf("%q is not tried", row[0])
		}
	}
}

// codings lists the values in a cell: "0x01, 0x10 to 0x13".
func codings(t *testing.T, cell string) (all []byte) {
	t.Helper()
	for part := range strings.SplitSeq(cell, ", ") {
		first, last, _ := strings.Cut(part, " to ")
		if last == "" {
			last = first
		}
		from, to := statusesIn(t, first)[0], statusesIn(t, last)[0]
		for v := from; v <= to; v++ {
			all = append(all, byte(v))
		}
	}
	return all
}

func TestDocsOfAlphabets(t *testing.T) {
	const unread = "not read"
	names := map[pdu.Alphabet]string{
		pdu.GSM7: "GSM 7 bit", pdu.Latin1: "ISO 8859-1", pdu.UCS2: "UTF-16, most significant octet first",
		pdu.ASCII: "IA5", pdu.Cyrillic: "ISO 8859-5", pdu.Binary: "binary", pdu.OtherText: unread, pdu.GSM7Packed: "encoding",
	}
	documented := map[byte]string{}
	for _, row := range docsTable(t, "## Alphabets") {
		if row[0] == "any other" {
			continue
		}
		for _, c := range codings(t, row[0]) {
			if documented[c] != "" {
				t.Errorf("0x%02X stands twice", c)
			}
			documented[c] = row[1]
		}
	}
	for c := range 256 {
		zero := pdu.GSM7
		if c == 0 {
			zero = pdu.GSM7Packed // no other value means it
		}
		want := documented[byte(c)]
		if want == "" {
			want = unread
		}
		if got := names[pdu.AlphabetOf(byte(c), zero)]; got != want {
			t.Errorf("0x%02X is %s, documented %s", c, got, want)
		}
	}
}

func TestDocsOfSpecial(t *testing.T) {
	kinds := map[string]Special{"silent": SpecialSilent, "replace": SpecialReplace, "sim": SpecialSIM, "class2": SpecialClass2}
	allowed := map[byte]Special{}
	page, err := os.ReadFile("../docs/smpp.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, kind := range kinds {
		_, line, found := strings.Cut(string(page), "\n| `"+name+"` | ")
		if !found {
			t.Errorf("%s is missing", name)
			continue
		}
		if cell, _, _ := strings.Cut(line, " |"); !strings.HasPrefix(cell, "|") {
			for _, id := range codings(t, cell) {
				allowed[id] = kind
			}
		}
	}
	for id := maxProtocolID + 1; id <= 0xFF; id++ {
		if kind, _ := kindOf(byte(id)); kind != allowed[byte(id)] {
			t.Errorf("0x%02X needs %04b, documented %04b", id, kind, allowed[byte(id)])
		}
	}
}

// TestDocsOfLimits compares what is no key of the configuration.
func TestDocsOfLimits(t *testing.T) {
	c := Config{}.withDefaults()
	want := map[string]string{
		"PDU before the bind":                                   kib(pdu.MaxUnbound),
		"PDU after the bind":                                    thousands(pdu.MaxBound) + " octets",
		"connections of peers in all":                           thousands(c.MaxConnections),
		"connections of one source that are not bound":          strconv.Itoa(c.MaxUnbound),
		"sources remembered":                                    thousands(maxSources),
		"sources that an account is known by":                   strconv.Itoa(maxKnown),
		"operations of accounts unanswered on one bind of ours": strconv.Itoa(maxOperations),
		"octets that a peer has not read":                       kib(outboxRoom) + " / " + strconv.Itoa(outboxLimit>>20) + " MiB",
		"candidates of one message":                             strconv.Itoa(routing.MaxCandidates),
		"messages whose receipts can be joined":                 fmt.Sprintf("%s, %.0f h", thousands(c.Submissions), c.SubmissionsFor.Hours()),
		"masks paced at a time":                                 thousands(maskSets*maskWays) + " a carrier",
		"messages of unknown outcome that are known again":      fmt.Sprintf("%s, %.0f min", thousands(maxUncertain), c.Redelivery.Minutes()),
		"receipts parked":                                       fmt.Sprintf("%s a carrier, %.0f s", thousands(maxParked), parkFor.Seconds()),
		"receipts held for an account":                          thousands(maxHeld),
		"messages being put together":                           thousands(maxSets) + ", " + strconv.Itoa(maxGathered>>20) + " MiB",
		"one of them":                                           thousands(maxWhole) + " octets",
		"parts that one message is cut into":                    strconv.Itoa(maxPieces) + ", the bind's window",
		"static TLVs of a bind":                                 kib(maxStatic),
	}
	for _, row := range docsTable(t, "## Limits") {
		if w, checked := want[row[0]]; checked && row[1] != w {
			t.Errorf("%s: %q documented, want %q", row[0], row[1], w)
		}
		delete(want, row[0])
	}
	for what := range want {
		t.Errorf("%q is not documented", what)
	}
}

func kib(octets int) string { return strconv.Itoa(octets>>10) + " KiB" }

// thousands writes a number with commas.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return thousands(n/1000) + fmt.Sprintf(",%03d", n%1000)
}

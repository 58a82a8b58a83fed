package ledger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/seal"
)

func cdr(i int) CDR {
	at := func(d time.Duration) Stamp { return Stamp{noon.Add(d)} }
	return CDR{
		ID: fmt.Sprintf("call%s", strings.Repeat("x", i%7)) + fmt.Sprint(i), Tenant: "shop",
		Received: at(0), Ringing: at(time.Second), Answered: at(2 * time.Second), Ended: at(62 * time.Second), Talked: 60,
		EndedBy: "caller", Bye: "caller", Reason: "caller", Code: 200, Cause: 16,
		FromTrunk: "alfa", FromCarrier: "alfa", ToTrunk: "bravo/2", ToCarrier: "bravo",
		Mask: "+441110000001", Presented: "+441110000002", Prefix: "44", Codec: "PCMA/8000",
		RTP: &CDRFlow{Caller: CDRSide{Packets: 3000, Octets: 516000, Lost: 1}, Callee: CDRSide{Packets: 3001, Octets: 516172}, Dropped: 2},
		Attempts: []CDRAttempt{
			{Trunk: "bravo/1", Carrier: "bravo", Outcome: "refused", Code: 503, Cause: 34, Began: at(0), Response: at(time.Millisecond), Ended: at(5 * time.Millisecond)},
			{Trunk: "bravo/2", Carrier: "bravo", Outcome: "answered", Code: 200, Began: at(5 * time.Millisecond), Response: at(time.Second), Ringing: at(time.Second), Answered: at(2 * time.Second), Ended: at(62 * time.Second)},
		},
		Parties: Parties{Caller: "+447700900001", Called: "+447700900002"},
	}
}

const cdrGolden = `{"v":1,"id":"call0","node":"edge-1","tenant":"shop",` +
	`"received":"2026-11-21T12:00:00.123Z","ringing":"2026-11-21T12:00:01.123Z","answered":"2026-11-21T12:00:02.123Z","ended":"2026-11-21T12:01:02.123Z","talked":60,` +
	`"ended_by":"caller","bye":"caller","reason":"caller","code":200,"cause":16,` +
	`"from_trunk":"alfa","from_carrier":"alfa","to_trunk":"bravo/2","to_carrier":"bravo","mask":"+441110000001","presented":"+441110000002","prefix":"44",` +
	`"caller":"CALLER","called":"CALLED","sealed":"SEALED","codec":"PCMA/8000",` +
	`"rtp":{"caller":{"packets":3000,"octets":516000,"lost":1},"callee":{"packets":3001,"octets":516172,"lost":0},"dropped":2},` +
	`"attempts":[{"trunk":"bravo/1","carrier":"bravo","outcome":"refused","code":503,"cause":34,"began":"2026-11-21T12:00:00.123Z","response":"2026-11-21T12:00:00.124Z","ended":"2026-11-21T12:00:00.128Z"},` +
	`{"trunk":"bravo/2","carrier":"bravo","outcome":"answered","code":200,"began":"2026-11-21T12:00:00.128Z","response":"2026-11-21T12:00:01.123Z","ringing":"2026-11-21T12:00:01.123Z","answered":"2026-11-21T12:00:02.123Z","ended":"2026-11-21T12:01:02.123Z"}]}
`

func line(t *testing.T, key *seal.Key, r CDR) []byte {
	t.Helper()
	r.Node = "edge-1"
	return newCDRSealer(key).line(&r)
}

func TestCDRLine(t *testing.T) {
	text := line(t, testKey, cdr(0))
	var said struct{ Caller, Called, Sealed string }
	if err := json.Unmarshal(text, &said); err != nil {
		t.Fatal(err)
	}
	want := strings.NewReplacer("CALLER", said.Caller, "CALLED", said.Called, "SEALED", said.Sealed).Replace(cdrGolden)
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Error(diff)
	}
	if len(said.Caller) != 16 || len(said.Called) != 16 || said.Caller == said.Called {
		t.Errorf("pseudonyms %q and %q", said.Caller, said.Called)
	}
	if bytes.Contains(text, []byte("700900")) {
		t.Error("a real number is in the record")
	}
}

// What is written by hand is what the fields' tags say, whatever stands in them.
func TestCDRIsWrittenAsItsTagsSay(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var r CDR
		fill(reflect.ValueOf(&r).Elem(), random)
		if r.Attempts == nil {
			r.Attempts = []CDRAttempt{}
		}
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(r.appendJSON(nil))); diff != "" {
			t.Fatal(diff)
		}
	}
}

// fill sets fields at random, each of them often to nothing.
func fill(v reflect.Value, random *rand.Rand) {
	if v.Type() != reflect.TypeFor[CDR]() && random.IntN(3) == 0 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		texts := []string{"alfa", "a\"b", "a\\b", "<&>", "\n\x00", "größe", "\xff", "\u2028"}
		v.SetString(texts[random.IntN(len(texts))])
	case reflect.Int:
		v.SetInt(random.Int64N(1000))
	case reflect.Uint64:
		v.SetUint(random.Uint64())
	case reflect.Float64:
		v.SetFloat(float64(random.Int64N(1e9)) / 1000)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), random)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), random.IntN(4), 4))
		for i := range v.Len() {
			fill(v.Index(i), random)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[Stamp]() {
			v.Set(reflect.ValueOf(Stamp{noon.Add(time.Duration(random.Int64N(1 << 60)))}))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), random)
		}
	default:
		panic(v.Kind())
	}
}

func TestCDROfARefusedCall(t *testing.T) {
	r := CDR{
		ID: "call", Received: Stamp{noon}, Ended: Stamp{noon}, EndedBy: "edge", Reason: "unknown_mask", Code: 404, Cause: 1, FromTrunk: "alfa",
		Parties: Parties{Dialled: "+447700900003"},
	}
	text := line(t, testKey, r)
	for _, part := range []string{`"attempts":[]`, `"called":"`, `"sealed":"`} {
		if !bytes.Contains(text, []byte(part)) {
			t.Errorf("no %s in %s", part, text)
		}
	}
	for _, part := range []string{"\"answered\"", "ringing", "\"mask\"", "rtp", "caller\":", "codec", "77009"} {
		if bytes.Contains(text, []byte(part)) {
			t.Errorf("%s in %s", part, text)
		}
	}
}

// A pseudonym relates calls of the same party, on either side, and says nothing
// to who has another key.
func TestPseudonymsRelateCalls(t *testing.T) {
	hashes := func(key *seal.Key, p Parties) (said struct{ Caller, Called string }) {
		r := cdr(0)
		r.Parties = p
		if err := json.Unmarshal(line(t, key, r), &said); err != nil {
			t.Fatal(err)
		}
		return said
	}
	there := hashes(testKey, Parties{Caller: "+447700900001", Called: "+447700900002"})
	back := hashes(testKey, Parties{Caller: "+447700900002", Called: "+447700900001"})
	other := hashes(seal.Generate(), Parties{Caller: "+447700900001", Called: "+447700900002"})
	if there.Caller != back.Called || there.Called != back.Caller || there.Caller == other.Caller {
		t.Errorf("%+v %+v %+v", there, back, other)
	}
}

func TestOpenCDR(t *testing.T) {
	text := line(t, testKey, cdr(0))
	opened, err := NewCDROpener(testKey).Open(text)
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		ID      string
		Sealed  string
		Parties struct{ Caller, Called string }
	}
	if err := json.Unmarshal(opened, &said); err != nil {
		t.Fatal(err)
	}
	if said.ID != "call0" || said.Sealed != "" || said.Parties.Caller != "+447700900001" || said.Parties.Called != "+447700900002" {
		t.Errorf("%s", opened)
	}
	faulty := map[string][]byte{
		"another key":    nil,
		"another record": bytes.Replace(text, []byte(`"id":"call0"`), []byte(`"id":"call1"`), 1),
		"no JSON":        []byte("{"),
		"no id":          []byte(`{"sealed":"AAAA"}`),
		"no base64":      []byte(`{"id":"x","sealed":"?"}`),
		"not sealed":     []byte(`{"id":"x","sealed":"AAAA"}`),
		"another type":   []byte(`{"id":"x","sealed":7}`),
	}
	for name, text := range faulty {
		opener := NewCDROpener(testKey)
		if text == nil {
			text, opener = line(t, testKey, cdr(0)), NewCDROpener(seal.Generate())
		}
		if _, err := opener.Open(text); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	plain := []byte(`{"id":"x"}`)
	if same, err := NewCDROpener(testKey).Open(plain); err != nil || string(same) != string(plain) {
		t.Errorf("a record without parties: %s %v", same, err)
	}
}

func TestPartiesPrintRedacted(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(verb, cdr(0)); strings.Contains(text, "7700900") {
			t.Errorf("%s: %s", verb, text)
		}
	}
}

// docs/cdr.md names every field.
func TestCDRFieldsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/cdr.md")
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(line(t, testKey, cdr(0)), &fields); err != nil {
		t.Fatal(err)
	}
	fields["emergency"], fields["announced"] = true, "unknown"
	for _, attempt := range fields["attempts"].([]any) {
		for name := range attempt.(map[string]any) {
			fields["attempts[]."+name] = nil
		}
	}
	for name := range fields {
		if name != "attempts" && name != "rtp" && !bytes.Contains(page, []byte("| `"+name+"`")) {
			t.Errorf("docs/cdr.md has no row for %s", name)
		}
	}
}

func BenchmarkCDRLine(b *testing.B) {
	s := newCDRSealer(testKey)
	r := cdr(0)
	b.ReportAllocs()
	for b.Loop() {
		s.line(&r)
	}
}

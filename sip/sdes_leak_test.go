package sip

import (
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

var inlineKey = regexp.MustCompile(`inline:([A-Za-z0-9+/=]+)`)

// TestKeysOfACallAreNowhereElse has SRTP with different keys on both sides of a call
// over TLS. A key is in the descriptions of its own leg, and in what the relay is
// told; not in the other leg, the log, the metrics or the record.
func TestKeysOfACallAreNowhereElse(t *testing.T) {
	records := &fakeRecords{}
	b := newBedOver(t, overTLS, newAuthority(t), func(c *Config) {
		c.Records = records
		for i := range c.Trunks {
			c.Trunks[i].SRTP = SRTPRequired
		}
	})
	b.caller.key, b.callees[0].key = "a", "b"
	d := b.connect(b.caller, "call")
	b.hangUp(b.caller, d)
	eventually(t, "the record is there", func() bool { return len(records.list()) == 1 })

	legs := map[string]string{keyOf("a"): "a peer's", keyOf("b"): "a peer's"}
	for leg, text := range map[string]string{"A": d.answer, "B": d.invite} {
		told := inlineKey.FindAllStringSubmatch(text, -1)
		if len(told) == 0 {
			t.Fatalf("no key on leg %s:\n%s", leg, text)
		}
		for _, m := range told {
			if other, known := legs[m[1]]; known {
				t.Errorf("the key of leg %s is %s as well", leg, other)
			}
			legs[m[1]] = leg
		}
	}
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	for _, entry := range b.log.All() {
		fmt.Fprintln(&told, entry.Message, entry.ContextMap())
	}
	record := *records.list()[0]
	fmt.Fprintf(&told, "%v %+v %#v %+v", families, record, record, b.media.sessions[0].remotes)
	for key := range legs {
		for _, form := range []string{key[:16], hex.EncodeToString([]byte(key))[:16]} {
			if strings.Contains(told.String(), form) {
				t.Errorf("a key of leg %s is told elsewhere", legs[key])
			}
		}
	}
	for _, shown := range []string{"[97 97 97 97", "[98 98 98 98", "aaaaaaaa", "bbbbbbbb"} {
		if strings.Contains(told.String(), shown) {
			t.Errorf("a key is printed: %s", shown)
		}
	}
	for side, peer := range []string{"a", "b"} {
		if got := string(b.media.sessions[0].remotes[side].Keys.Theirs.Reveal()); got != strings.Repeat(peer, 30) {
			t.Errorf("the relay was not told the key of side %d", side)
		}
	}
}

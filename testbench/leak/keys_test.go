package leak

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// drawn are keys and salts as suites have them: of 30, 46 and 28 octets.
func drawn() [][]byte {
	random := rand.NewChaCha8([32]byte{2})
	keys := [][]byte{make([]byte, 30), make([]byte, 46), make([]byte, 28)}
	for _, key := range keys {
		_, _ = random.Read(key)
	}
	return keys
}

func TestFindsAPlantedKey(t *testing.T) {
	keys := drawn()
	key := keys[1]
	printed := func(verb string, v any) []byte { return fmt.Appendf(nil, verb, v) }
	list, err := json.Marshal([]int{int(key[0]), int(key[1]), int(key[2]), int(key[3]), int(key[4]), int(key[5]), int(key[6]), int(key[7]), int(key[8]), int(key[9]), int(key[10]), int(key[11])})
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string][]byte{
		"description":         []byte("a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:" + base64.StdEncoding.EncodeToString(key) + "|2^31"),
		"without padding":     []byte(base64.RawStdEncoding.EncodeToString(key)),
		"base64 of URLs":      []byte(base64.URLEncoding.EncodeToString(key)),
		"base64 one octet in": []byte(base64.StdEncoding.EncodeToString(append([]byte("x"), key...))),
		"base64 two in":       []byte(base64.StdEncoding.EncodeToString(append([]byte("xy"), key...))),
		"octets":              key,
		"the key alone":       key[:32],
		"the salt alone":      []byte(base64.StdEncoding.EncodeToString(key[32:])),
		"hexadecimal":         []byte(hex.EncodeToString(key)),
		"in capitals":         printed("%X", key),
		"as Go prints it":     printed("%v", key),
		"as Go's syntax":      printed("%#v", struct{ k []int }{ints(key)}),
		"as JSON's list":      list,
	}
	scanner := NewKeyScanner(keys...)
	for name, data := range cases {
		t.Run(name, func(t *testing.T) {
			found := scanner.Find(append([]byte("noise before "), append(data, " and after"...)...))
			if len(found) == 0 {
				t.Fatal("not found")
			}
			for _, f := range found {
				if f.Number != 1 || !strings.HasPrefix(f.String(), "key 1 as ") {
					t.Fatalf("found the wrong key: %v", f)
				}
				if strings.Contains(f.String(), base64.StdEncoding.EncodeToString(key)[:8]) {
					t.Fatal("the finding shows the key")
				}
			}
		})
	}
}

func ints(octets []byte) []int {
	var all []int
	for _, o := range octets {
		all = append(all, int(o))
	}
	return all
}

func TestFindsNoKeyInNoise(t *testing.T) {
	noise := make([]byte, 1<<20)
	random := rand.NewChaCha8([32]byte{3})
	_, _ = random.Read(noise)
	scanner := NewKeyScanner(append(drawn(), []byte("too short"), nil)...)
	for _, data := range [][]byte{noise, []byte(base64.StdEncoding.EncodeToString(noise)), []byte("a text that is too short")} {
		if found := scanner.Find(data); len(found) > 0 {
			t.Fatalf("found %v in noise", found)
		}
	}
}

func TestSDESKeys(t *testing.T) {
	keys := drawn()
	var text strings.Builder
	for i, key := range keys {
		fmt.Fprintf(&text, "a=crypto:%d SUITE inline:%s|2^31|1:4 FEC_ORDER=FEC_SRTP\r\n", i, base64.StdEncoding.EncodeToString(key))
	}
	said := text.String() + "a=crypto:9 SUITE inline:short\r\na=crypto:9 SUITE inline:\r\n" + text.String()
	got := SDESKeys([]byte(said))
	if len(got) != len(keys) {
		t.Fatalf("%d keys", len(got))
	}
	for i, key := range keys {
		if !bytes.Equal(got[i], key) {
			t.Errorf("key %d is another one", i)
		}
	}
}

package leak

import (
	"encoding/base64"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
)

// keyPart is how many octets of a key are enough to give it away, and too many to
// be there by chance.
const keyPart = 12

// inlineKey is a key in a description. // RFC 4568 §6.1
var inlineKey = regexp.MustCompile(`inline:([A-Za-z0-9+/]+=*)`)

// SDESKeys are the keys and salts of all descriptions in what a party has said and
// heard, each once.
func SDESKeys(text []byte) [][]byte {
	var all [][]byte
	seen := map[string]bool{}
	for _, m := range inlineKey.FindAllSubmatch(text, -1) {
		key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(string(m[1]), "="))
		if err != nil || len(key) < keyPart || seen[string(key)] {
			continue
		}
		seen[string(key)] = true
		all = append(all, key)
	}
	return all
}

// NewKeyScanner makes a scanner for secret octets, such as master keys: as they are,
// in base64 and hexadecimal, and as Go and JSON print octets. A key whose beginning
// or end is there is found. Those of less than 12 octets are not looked for.
func NewKeyScanner(keys ...[]byte) *Scanner {
	s := &Scanner{what: "key"}
	for i, key := range keys {
		if len(key) < keyPart {
			continue
		}
		for _, part := range [][]byte{key[:keyPart], key[len(key)-keyPart:]} {
			s.add(i, "octets", part)
			for _, b := range base64Forms(part) {
				s.add(i, "base64", b)
				if url := strings.NewReplacer("+", "-", "/", "_").Replace(string(b)); url != string(b) {
					s.add(i, "base64 of URLs", []byte(url))
				}
			}
			text := hex.EncodeToString(part)
			s.add(i, "hexadecimal", []byte(text))
			if upper := strings.ToUpper(text); upper != text {
				s.add(i, "hexadecimal", []byte(upper))
			}
			for _, between := range []string{" ", ",", ", "} {
				s.add(i, "decimal octets", decimal(part, between))
			}
		}
	}
	return s
}

func decimal(octets []byte, between string) []byte {
	var out []byte
	for i, o := range octets {
		if i > 0 {
			out = append(out, between...)
		}
		out = strconv.AppendUint(out, uint64(o), 10)
	}
	return out
}

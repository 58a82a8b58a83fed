package message

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

// key64 is a key of 30 octets as a description writes it.
const key64 = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB"

const secureSDP = `v=0
o=- 1 2 IN IP4 192.0.2.10
s=-
c=IN IP4 192.0.2.10
t=0 0
m=audio 40000 RTP/SAVP 0 8
a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:` + key64 + "\n"

func TestParseCrypto(t *testing.T) {
	long := func(octets int) string {
		return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("A"), octets))
	}
	cases := []struct {
		name, value string
		want        Suite // none: not usable
		tag         uint32
	}{
		{"plain", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64, AES128SHA80, 1},
		{"short tag", "2 AES_CM_128_HMAC_SHA1_32 inline:" + key64, AES128SHA32, 2},
		{"small letters", "3 aes_cm_128_hmac_sha1_80 INLINE:" + key64, AES128SHA80, 3},
		{"256", "999999999 AES_256_CM_HMAC_SHA1_80 inline:" + long(46), AES256SHA80, 999999999},
		{"256 with a short tag", "4 AES_256_CM_HMAC_SHA1_32 inline:" + long(46), AES256SHA32, 4},
		{"GCM", "5 AEAD_AES_128_GCM inline:" + long(28), AES128GCM, 5},
		{"GCM 256", "6 AEAD_AES_256_GCM inline:" + long(44), AES256GCM, 6},
		{"without padding", "6 AEAD_AES_256_GCM inline:" + strings.TrimRight(long(44), "="), AES256GCM, 6},
		{"lifetime", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + "|2^31", AES128SHA80, 1},
		{"lifetime in digits", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + "|1048576", AES128SHA80, 1},
		{"the longest lifetime", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + "|2^48", AES128SHA80, 1},
		{"a short lifetime", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + "|2^10", NoSuite, 0},
		{"too long a lifetime", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + "|2^49", NoSuite, 0},
		{"a lifetime beyond all", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + "|2^200", NoSuite, 0},
		{"a lifetime that is none", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + "|x", NoSuite, 0},
		{"MKI", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + "|1:4", NoSuite, 0},
		{"lifetime and MKI", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + "|2^31|1:4", NoSuite, 0},
		{"two keys", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + ";inline:" + key64, NoSuite, 0},
		{"a window", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + " WSH=128", AES128SHA80, 1},
		{"a parameter that may be left unread", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + " -X=1", AES128SHA80, 1},
		{"without encryption", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + " UNENCRYPTED_SRTP", NoSuite, 0},
		{"without authentication", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + " UNAUTHENTICATED_SRTP", NoSuite, 0},
		{"a rate of keys", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + " KDR=1", NoSuite, 0},
		{"an unknown parameter", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + " X", NoSuite, 0},
		{"many parameters", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + strings.Repeat(" -X", 9), NoSuite, 0},
		{"an unknown suite", "1 F8_128_HMAC_SHA1_80 inline:" + key64, NoSuite, 0},
		{"no suite", "1 none inline:" + key64, NoSuite, 0},
		{"a short key", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64[4:], NoSuite, 0},
		{"a long key", "1 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + "AAAA", NoSuite, 0},
		{"a very long key", "1 AES_CM_128_HMAC_SHA1_80 inline:" + strings.Repeat("A", 4000), NoSuite, 0},
		{"a key of another suite", "1 AEAD_AES_256_GCM inline:" + key64, NoSuite, 0},
		{"a key that is no base64", "1 AES_CM_128_HMAC_SHA1_80 inline:" + strings.Replace(key64, "Q", "*", 1), NoSuite, 0},
		{"another method", "1 AES_CM_128_HMAC_SHA1_80 uri:" + key64, NoSuite, 0},
		{"no tag", "AES_CM_128_HMAC_SHA1_80 inline:" + key64, NoSuite, 0},
		{"a tag that is none", "x AES_CM_128_HMAC_SHA1_80 inline:" + key64, NoSuite, 0},
		{"a long tag", "1234567890 AES_CM_128_HMAC_SHA1_80 inline:" + key64, NoSuite, 0},
		{"nothing", "", NoSuite, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ok := parseCrypto(c.value)
			if ok != (c.want != NoSuite) {
				t.Fatalf("usable: %t", ok)
			}
			if !ok {
				return
			}
			if got.Suite != c.want || got.Tag != c.tag || len(got.Key.Reveal()) != c.want.octets() {
				t.Fatalf("%d %v, %d octets", got.Tag, got.Suite, len(got.Key.Reveal()))
			}
			written := string(got.append(nil))
			again, ok := parseCrypto(strings.TrimSpace(strings.TrimPrefix(written, "a=crypto:")))
			if !ok || !again.Equal(&got) {
				t.Errorf("written and read again it is another one: %t", ok)
			}
		})
	}
}

// TestSecureStreams is which stream of a description a policy takes.
func TestSecureStreams(t *testing.T) {
	const plain, keyed, secure = "m=audio 40002 RTP/AVP 8\n", "m=audio 40004 RTP/AVP 8\nKEYS", "m=audio 40006 RTP/SAVP 8\nKEYS"
	const keyless, fax = "m=audio 40008 RTP/SAVP 8\n", "m=image 40010 udptl t38\n"
	cases := []struct {
		name, media             string
		off, optional, required string // the port, with "+" where it has keys, or the fault
	}{
		{"plain", plain, "40002", "40002", "sdp_srtp"},
		{"plain with keys", keyed, "40004", "40004+", "40004+"},
		{"secure", secure, "sdp_media", "40006+", "40006+"},
		{"secure without keys", keyless, "sdp_media", "sdp_crypto", "sdp_crypto"},
		{"secure, then plain", secure + plain, "40002", "40006+", "40006+"},
		{"plain, then secure", plain + secure, "40002", "40006+", "40006+"},
		{"secure without keys, then plain", keyless + plain, "40002", "40002", "sdp_srtp"},
		{"fax", fax, "40010", "40010", "sdp_srtp"},
		{"secure and fax", secure + fax, "40010", "40006+", "40006+"},
	}
	keys := "a=crypto:1 F8_128_HMAC_SHA1_80 inline:" + key64 + "\na=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" + key64 + "\n"
	for _, c := range cases {
		for policy, want := range []string{c.off, c.optional, c.required, "sdp_srtp_insecure"} {
			t.Run(fmt.Sprintf("%s %d", c.name, policy), func(t *testing.T) {
				if SRTPPolicy(policy) == SRTPInsecure && c.name == "fax" {
					want = "sdp_srtp"
				}
				text := strings.Replace(plainSDP, "m=audio 40000 RTP/AVP 0 8\n", strings.ReplaceAll(c.media, "KEYS", keys), 1)
				s, f := ParseSDP(body(text), &MediaPolicy{SRTP: SRTPPolicy(policy), Fax: true})
				var got string
				if f != nil {
					if got = f.Name; f.Code != 488 {
						t.Errorf("%d", f.Code)
					}
				} else {
					got = fmt.Sprint(s.RTP.Port())
					if line, has := s.Crypto(); has {
						if got += "+"; line.Tag != 7 {
							t.Errorf("tag %d", line.Tag)
						}
					}
				}
				if got != want {
					t.Errorf("%s, want %s", got, want)
				}
			})
		}
	}
}

func TestOurLinesOfKeys(t *testing.T) {
	s, f := ParseSDP(body(secureSDP), &MediaPolicy{SRTP: SRTPRequired})
	if f != nil {
		t.Fatal(f)
	}
	if got := string(s.AppendOffer(nil, Origin{1, 1}, ourRTP)); strings.Contains(got, "crypto") || strings.Contains(got, "SAVP") {
		t.Errorf("what was read came out again:\n%s", got)
	}
	secret := NewSecret(make([]byte, 32))
	lines := []Crypto{{3, AES128GCM, secret.Key(0, 0, AES128GCM)}, {4, AES128SHA80, secret.Key(0, 0, AES128SHA80)}}
	got := string(s.Under(Protection{Secure: true, Lines: lines}).AppendOffer(nil, Origin{1, 1}, ourRTP))
	if !strings.Contains(got, "m=audio 20000 RTP/SAVP 0 8\r\n") || strings.Count(got, "a=crypto:") != 2 || strings.Contains(got, key64) {
		t.Errorf("not ours:\n%s", got)
	}
	again, f := ParseSDP([]byte(got), &MediaPolicy{SRTP: SRTPOptional})
	if f != nil {
		t.Fatal(f)
	}
	if line, _ := again.Crypto(); !line.Equal(&lines[0]) || !again.Secure() {
		t.Errorf("read again it is another one")
	}
	got = string(s.Under(Protection{Lines: lines[1:]}).AppendAnswer(nil, Origin{1, 1}, ourRTP, s))
	if !strings.Contains(got, "m=audio 20000 RTP/AVP 0 8\r\n") || !strings.Contains(got, "\r\na=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:") {
		t.Errorf("not as RFC 8643 has it:\n%s", got)
	}
}

// TestKeysChangeTheContent lets a re-INVITE with new keys be seen as a change.
func TestKeysChangeTheContent(t *testing.T) {
	policy := MediaPolicy{SRTP: SRTPOptional}
	s, _ := ParseSDP(body(secureSDP), &policy)
	same, _ := ParseSDP(body(strings.Replace(secureSDP, "o=- 1 2", "o=- 1 3", 1)), &policy)
	other, _ := ParseSDP(body(strings.Replace(secureSDP, "inline:QUFB", "inline:QUFC", 1)), &policy)
	if s.Content != same.Content || !s.SameKeys(same) {
		t.Error("the same keys are a change")
	}
	if s.Content == other.Content || s.SameKeys(other) {
		t.Error("other keys are none")
	}
}

// TestKeysDiffer wants another key for each leg, round, suite and call.
func TestKeysDiffer(t *testing.T) {
	seen := map[string]bool{}
	for _, secret := range []Secret{NewSecret(make([]byte, 32)), NewSecret(bytes.Repeat([]byte{1}, 32))} {
		for leg := range uint8(3) {
			for round := range uint32(3) {
				for s := NoSuite + 1; s < suites; s++ {
					k := secret.Key(leg, round, s)
					if len(k.Reveal()) != s.octets() {
						t.Fatalf("%d octets for %v", len(k.Reveal()), s)
					}
					if start := string(k.Reveal()[:16]); seen[start] {
						t.Fatal("twice")
					} else {
						seen[start] = true
					}
				}
			}
		}
	}
}

func TestKeysAreNotShown(t *testing.T) {
	s, _ := ParseSDP(body(secureSDP), &MediaPolicy{SRTP: SRTPOptional})
	line, _ := s.Crypto()
	secret := NewSecret([]byte("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%b", "%c", "%U"} {
		for _, v := range []any{*s, line, &line, line.Key, []Crypto{line}, secret, &secret} {
			got := fmt.Sprintf(verb, v)
			for _, shown := range []string{"AAAAAAAA", "41414141", "65 65 65", "0x41", "QUFB", "101 101 101", "1000001 1000001", "U+0041"} {
				if strings.Contains(got, shown) {
					t.Errorf("%s shows it: %s", verb, got)
				}
			}
		}
	}
}

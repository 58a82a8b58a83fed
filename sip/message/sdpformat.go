package message

import "strings"

// longestRun is how many digits in a row a format's text may hold: bit rates
// and clock rates fit, telephone numbers don't.
const longestRun = 6

// cleanRtpmap accepts "name/clock" and "name/clock/channels", else it is empty.
// RFC 8866 §6.6.
func cleanRtpmap(value string) string {
	parts := strings.Split(value, "/")
	if len(parts) < 2 || len(parts) > 3 || len(value) > 40 || hasLongRun(value) {
		return ""
	}
	if !made(parts[0], func(c byte) bool { return isDigit(c) || isLetter(c) || strings.IndexByte("-_.+", c) >= 0 }) {
		return ""
	}
	for _, n := range parts[1:] {
		if !made(n, isDigit) {
			return ""
		}
	}
	return value
}

// fmtpNames are the parameters that go on: those of the audio codecs that
// carriers use (RFC 4856, 4867, 5577, 7587, and 3GPP TS 26.445 for EVS).
// Anything else might be text of the sender's own.
func isFmtpName(name string) bool {
	switch strings.ToLower(name) {
	case "annexa", "annexb", "bitrate", "mode",
		"octet-align", "mode-set", "mode-change-period", "mode-change-capability", "mode-change-neighbor",
		"crc", "robust-sorting", "interleaving", "max-red", "channels",
		"maxplaybackrate", "sprop-maxcapturerate", "maxaveragebitrate", "stereo", "sprop-stereo", "cbr",
		"useinbandfec", "usedtx", "minptime", "ptime", "maxptime",
		"br", "br-send", "br-recv", "bw", "bw-send", "bw-recv", "cmr", "ch-send", "ch-recv", "ch-aw-recv",
		"dtx", "dtx-recv", "evs-mode-switch", "hf-only", "vbr", "cng", "emphasis":
		return true
	default:
		return false
	}
}

// cleanFmtp keeps known parameters with plain values, and bare lists of
// numbers such as the "0-16" of telephone-event (RFC 4733 §2.4.1).
func cleanFmtp(value string) string {
	if made(value, func(c byte) bool { return isDigit(c) || c == '-' || c == ',' }) && !hasLongRun(value) && len(value) <= 64 {
		return value
	}
	var kept []string
	for one := range strings.SplitSeq(value, ";") {
		name, v, _ := strings.Cut(strings.TrimSpace(one), "=")
		if isFmtpName(name) && isFmtpValue(v) {
			kept = append(kept, name+"="+v)
		}
	}
	return strings.Join(kept, ";")
}

func isFmtpValue(v string) bool {
	return len(v) <= 32 && !hasLongRun(v) &&
		made(v, func(c byte) bool { return isDigit(c) || isLetter(c) || c == '-' || c == ',' || c == '.' })
}

func made(s string, of func(byte) bool) bool {
	for i := range len(s) {
		if !of(s[i]) {
			return false
		}
	}
	return s != ""
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// hasLongRun counts digits in a row, separators between them not counted as an
// end: "4477-009-00001" is one run.
func hasLongRun(s string) bool {
	run, lists := 0, 0
	for i := range len(s) {
		switch {
		case isDigit(s[i]):
			if run++; run > longestRun {
				return true
			}
		case s[i] == ',':
			if lists++; lists > 12 {
				return true
			}
			run = 0
		case s[i] == '-' || s[i] == '.':
		default:
			run = 0
		}
	}
	return false
}

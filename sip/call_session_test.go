package sip

import (
	"strings"
	"testing"
	"time"

	"maskline/sip/message"
)

const (
	updates   = "Allow:_INVITE,_UPDATE"
	endOfCall = "attempt B0 answered 200, over "
)

// TestSessionTimerOfTheCaller has us as the answering side of RFC 4028. What is
// after a "|" must stand in what the caller got last.
func TestSessionTimerOfTheCaller(t *testing.T) {
	dial := [2]string{"A INVITE", dialled}
	up := func(headers string) [][2]string {
		return [][2]string{dial, {"B0 200+sdp", "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp" + headers}, {"A ACK", ""}}
	}
	with := func(before [][2]string, more ...[2]string) [][2]string {
		return append(append([][2]string{}, before...), more...)
	}
	ours := up("|Supported: timer\r\nSession-Expires: 1800;refresher=uas\r\n")
	theirs := up("|Require: timer\r\nSession-Expires: 1800;refresher=uac\r\n")
	cases := []struct {
		name, headers string
		expires       time.Duration // of the trunk; 0: the default
		steps         [][2]string
	}{
		{"a caller without timers", "Session-Expires: 60\r\n", 0, with(up("|\r\nAllow: "), [2]string{"30m", ""})},
		{"no wish: we refresh, by re-INVITE", "Supported: timer\r\n", 0, with(ours,
			[2]string{"899s", ""},
			[2]string{"1s", "A INVITE+sdp|Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n"},
			[2]string{"A 200+sdp re h:Session-Expires:_1800;refresher=uac", "A ACK"},
			[2]string{"899s", ""}, [2]string{"1s", "A INVITE+sdp"})},
		{"we refresh, by UPDATE", "Supported: timer\r\nAllow: INVITE, UPDATE\r\n", 0, with(ours,
			[2]string{"15m", "A UPDATE|Session-Expires: 1800;refresher=uac\r\n"},
			[2]string{"A 200 re h:Session-Expires:_1800;refresher=uac", ""}, [2]string{"15m", "A UPDATE"})},
		{"the caller refreshes, by re-INVITE", "Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n", 0, with(theirs,
			[2]string{"1767s", ""},
			[2]string{"A INVITE #20 +sdp h:Supported:_timer h:Session-Expires:_1800;refresher=uac", "A 200+sdp|Require: timer\r\nSession-Expires: 1800;refresher=uac\r\n"},
			[2]string{"A ACK #20", ""}, [2]string{"1767s", ""},
			[2]string{"1s", "B0 BYE, A BYE, " + endOfCall + "session_expired 200"})},
		{"the caller refreshes, by UPDATE", "Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n", 0, with(theirs,
			[2]string{"15m", ""},
			[2]string{"A UPDATE #20 h:Supported:_timer h:Session-Expires:_1800;refresher=uac", "A 200|Session-Expires: 1800;refresher=uac\r\n"},
			[2]string{"1767s", ""}, [2]string{"1s", "B0 BYE, A BYE, " + endOfCall + "session_expired 200"})},
		{"the caller should and does not", "Require: timer\r\nSession-Expires: 90;refresher=uac\r\n", 0, with(
			up("|Session-Expires: 90;refresher=uac\r\n"),
			[2]string{"59s", ""}, [2]string{"1s", "B0 BYE, A BYE, " + endOfCall + "session_expired 200"})},
		{"the caller hands it over", "Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n", 0, with(theirs,
			[2]string{"A UPDATE #20 h:Supported:_timer h:Session-Expires:_600;refresher=uas", "A 200|Session-Expires: 600;refresher=uas\r\n"},
			[2]string{"5m", "A INVITE+sdp|Session-Expires: 600;refresher=uac\r\n"})},
		{"the caller changes the session without a word of timers", "Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n", 0, with(theirs,
			[2]string{"A INVITE #20 +sdp", "A 200+sdp|\r\nAllow: "}, [2]string{"A ACK #20", ""}, [2]string{"40m", ""})},
		{"lowered to what the trunk has", "Supported: timer\r\nSession-Expires: 3600\r\n", 10 * time.Minute, up("|Session-Expires: 600;refresher=uas\r\n")},
		{"not below the caller's Min-SE", "Supported: timer\r\nSession-Expires: 3600\r\nMin-SE: 900\r\n", 10 * time.Minute, up("|Session-Expires: 900;refresher=uas\r\n")},
		{"too short", "Supported: timer\r\nSession-Expires: 60\r\n", 0, [][2]string{{"A INVITE", "A 100, A 422, over session_interval 422|Min-SE: 90\r\n"}, {"A ACK", ""}}},
		{"too short, and required", "Require: timer\r\nSession-Expires: 60\r\n", 0, [][2]string{{"A INVITE", "A 100, A 422, over session_interval 422|Min-SE: 90\r\n"}, {"A ACK", ""}}},
		{"too short in a refresh", "Supported: timer\r\nSession-Expires: 1800;refresher=uac\r\n", 0, with(theirs,
			[2]string{"A INVITE #20 +sdp h:Supported:_timer h:Session-Expires:_60", "A 422|Min-SE: 90\r\n"},
			[2]string{"A UPDATE #21 h:Supported:_timer h:Session-Expires:_89", "A 422|Min-SE: 90\r\n"})},
		{"off", "Supported: timer\r\nSession-Expires: 60\r\n", -1, with(up("|\r\nAllow: "), [2]string{"40m", ""})},
		{"off and required", "Require: timer\r\n", -1, [][2]string{{"A INVITE", "A 100, A 420, over extension 420|Unsupported: timer\r\n"}}},

		{"our refresh is not answered", "Supported: timer\r\n", 0, with(ours,
			[2]string{"15m", "A INVITE+sdp"}, [2]string{"32s", "B0 BYE, A BYE, " + endOfCall + "dialog_lost 200"})},
		{"our refresh finds no dialog", "Supported: timer\r\n", 0, with(ours,
			[2]string{"15m", "A INVITE+sdp"}, [2]string{"A 481 re", "A ACK, B0 BYE, A BYE, " + endOfCall + "dialog_lost 200"})},
		{"our refresh is answered 408", "Supported: timer\r\nAllow: UPDATE\r\n", 0, with(ours,
			[2]string{"15m", "A UPDATE"}, [2]string{"A 408 re", "B0 BYE, A BYE, " + endOfCall + "dialog_lost 200"})},
		{"our refresh meets a glare", "Supported: timer\r\n", 0, with(ours,
			[2]string{"15m", "A INVITE+sdp"}, [2]string{"A 491 re", "A ACK"}, [2]string{"1600ms", "A INVITE+sdp"})},
		{"our refresh is refused: again later, till the end", "Supported: timer\r\nSession-Expires: 90\r\n", 0, with(
			up("|Session-Expires: 90;refresher=uas\r\n"),
			[2]string{"45s", "A INVITE+sdp"}, [2]string{"A 500 re", "A ACK"}, [2]string{"9s", ""}, [2]string{"1s", "A INVITE+sdp"}, [2]string{"A 500 re", "A ACK"},
			[2]string{"5s", "B0 BYE, A BYE, " + endOfCall + "session_expired 200"})},
		{"our refresh is too short", "Supported: timer\r\n", 0, with(ours,
			[2]string{"15m", "A INVITE+sdp"}, [2]string{"A 422 re h:Min-SE:_3600", "A ACK, A INVITE+sdp|Session-Expires: 3600;refresher=uac\r\nMin-SE: 3600\r\n"},
			[2]string{"A 200+sdp re h:Session-Expires:_3600;refresher=uac", "A ACK"}, [2]string{"30m", "A INVITE+sdp"})},
		{"our refresh is too short again and again", "Supported: timer\r\n", 0, with(ours,
			[2]string{"15m", "A INVITE+sdp"}, [2]string{"A 422 re h:Min-SE:_3600", "A ACK, A INVITE+sdp"}, [2]string{"A 422 re h:Min-SE:_3601", "A ACK"},
			[2]string{"9s", ""}, [2]string{"1s", "A INVITE+sdp|Session-Expires: 3600;refresher=uac\r\n"})},
		{"no UPDATE there after all", "Supported: timer\r\nAllow: UPDATE\r\n", 0, with(ours,
			[2]string{"15m", "A UPDATE"}, [2]string{"A 405 re", "A INVITE+sdp"}, [2]string{"A 200+sdp re h:Session-Expires:_1800;refresher=uac", "A ACK"},
			[2]string{"15m", "A INVITE+sdp"})},
		{"our refresh waits for a change that is under way", "Supported: timer\r\n", 0, with(ours,
			[2]string{"899s", ""}, [2]string{"B0 INVITE #20 +hold", "B0 100, A INVITE+sdp|Session-Expires: 1800;refresher=uac\r\n"},
			[2]string{"A 100 re", ""}, [2]string{"5s", ""}, [2]string{"A 200+held re h:Session-Expires:_1800;refresher=uac", "A ACK, remote A, remote B, B0 200+sdp"},
			[2]string{"B0 ACK #20", ""}, [2]string{"890s", ""}, [2]string{"10s", "A INVITE+sdp"})},
		{"the refresh moves the caller's media", "Supported: timer\r\n", 0, with(ours,
			[2]string{"15m", "A INVITE+sdp"}, [2]string{"A 200+moved re", "A ACK, remote A"})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { sessionScript(t, "A", c.headers, c.expires, c.steps) })
	}
}

// TestSessionTimerOfTheCalledSide has us as the asking side.
func TestSessionTimerOfTheCalledSide(t *testing.T) {
	offered := [2]string{"A INVITE", dialled + "|Supported: 100rel, timer\r\nSession-Expires: 1800\r\n"}
	up := func(answer string) [][2]string {
		return [][2]string{offered, {"B0 200+sdp " + answer, "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp"}, {"A ACK", ""}}
	}
	with := func(before [][2]string, more ...[2]string) [][2]string {
		return append(append([][2]string{}, before...), more...)
	}
	const again = "B0 ACK, B0 INVITE|Supported: 100rel, timer\r\nSession-Expires: 3600\r\nMin-SE: 3600\r\n"
	cases := []struct {
		name    string
		expires time.Duration
		steps   [][2]string
	}{
		{"it grants none", 0, with(up(""), [2]string{"40m", ""})},
		{"we refresh, by UPDATE", 0, with(up("h:Session-Expires:_1800;refresher=uac h:"+updates),
			[2]string{"15m", "B0 UPDATE|Session-Expires: 1800;refresher=uac\r\n"}, [2]string{"B0 200 re", ""}, [2]string{"15m", "B0 UPDATE"})},
		{"we refresh, by re-INVITE with the same version", 0, with(up("h:Session-Expires:_600;refresher=uac"),
			[2]string{"5m", "B0 INVITE+sdp| 1 IN IP4 203.0.113.1\r\n"}, [2]string{"B0 200+sdp re h:Session-Expires:_600;refresher=uac", "B0 ACK"},
			[2]string{"5m", "B0 INVITE+sdp| 1 IN IP4 203.0.113.1\r\n"})},
		{"it does not say who: we do", 0, with(up("h:Session-Expires:_600"), [2]string{"5m", "B0 INVITE+sdp"})},
		{"it refreshes", 0, with(up("h:Session-Expires:_600;refresher=uas"),
			[2]string{"9m", ""}, [2]string{"B0 INVITE #20 +sdp h:Supported:_timer h:Session-Expires:_600;refresher=uac", "B0 200+sdp|Require: timer\r\nSession-Expires: 600;refresher=uac\r\n"},
			[2]string{"B0 ACK #20", ""}, [2]string{"567s", ""}, [2]string{"1s", "B0 BYE, A BYE, " + endOfCall + "session_expired 200"})},
		{"it should and does not", 0, with(up("h:Session-Expires:_90;refresher=uas"),
			[2]string{"59s", ""}, [2]string{"1s", "B0 BYE, A BYE, " + endOfCall + "session_expired 200"})},
		{"it grants less than anybody may", 0, with(up("h:Session-Expires:_1;refresher=uac"), [2]string{"44s", ""}, [2]string{"1s", "B0 INVITE+sdp"})},
		{"422: asked again for longer", 0, [][2]string{
			offered,
			{"B0 422 h:Min-SE:_3600", again},
			{"B0 180", "report B0 ok, ring, A 180"},
			{"B0 200+sdp h:Session-Expires:_3600;refresher=uac", "B0 ACK, remote B, answered, A 200+sdp"},
			{"A ACK", ""},
			{"30m", "B0 INVITE+sdp|Min-SE: 3600\r\n"},
		}},
		{"422 twice is a refusal", 0, [][2]string{
			offered,
			{"B0 422 h:Min-SE:_3600", again},
			{"B0 422 h:Min-SE:_7200", "B0 ACK, report B0 ok, attempt B0 refused 422, A 500, over refused 500"},
		}},
		{"422 without a number", 0, [][2]string{offered, {"B0 422", "B0 ACK, report B0 ok, attempt B0 refused 422, A 500, over refused 500"}}},
		{"422 beyond a day", 0, [][2]string{offered, {"B0 422 h:Min-SE:_99999", "B0 ACK, report B0 ok, attempt B0 refused 422, A 500, over refused 500"}}},
		{"422, then the caller cancels", 0, [][2]string{
			offered,
			{"B0 422 h:Min-SE:_3600", again},
			{"B0 180", "report B0 ok, ring, A 180"},
			{"A CANCEL", "A 200, A 487, attempt B0 cancelled 0, B0 CANCEL, over cancelled 487"},
		}},
		{"422, then silence", 0, [][2]string{
			offered,
			{"B0 422 h:Min-SE:_3600", again},
			{"3s", "B0 INVITE, B0 INVITE, report B0 bad, attempt B0 timeout 408, begin, B1 INVITE"},
		}},
		{"off", -1, with([][2]string{
			{"A INVITE", dialled + "|Supported: 100rel\r\n"},
			{"B0 200+sdp h:Session-Expires:_90;refresher=uas", "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp"},
			{"A ACK", ""},
		}, [2]string{"40m", ""})},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { sessionScript(t, "B0", "", c.expires, c.steps) })
	}
}

func sessionScript(t *testing.T, side, headers string, expires time.Duration, steps [][2]string) {
	t.Helper()
	b := newBench(t)
	b.headers = headers
	for _, tr := range append(b.trunks, b.trunkA) {
		tr.SessionExpires = expires
		tr.setDefaults()
	}
	for i, s := range steps {
		want, has, _ := strings.Cut(s[1], "|")
		if got := b.step(s[0]); got != want {
			t.Fatalf("step %d, %s:\n got %s\nwant %s", i, s[0], got, want)
		}
		if last := b.last[side]; !strings.Contains(last, has) {
			t.Fatalf("step %d, %s: no %q in\n%s", i, s[0], has, last)
		}
		if strings.Contains(has, "Allow") && strings.Contains(b.last[side], "Session-Expires") {
			t.Fatalf("step %d, %s: a timer in\n%s", i, s[0], b.last[side])
		}
	}
}

// TestGrant is table 2 of RFC 4028.
func TestGrant(t *testing.T) {
	tr := testTrunk(t, TrunkConfig{Name: "x", Carrier: "x", Addr: "192.0.2.10:5062"})
	cases := []struct {
		supported message.OptionTags
		refresher message.Refresher
		want      message.Refresher
	}{
		{0, message.AnyRefresher, message.AnyRefresher},
		{message.Timer, message.AnyRefresher, message.UAS},
		{message.Timer, message.UAC, message.UAC},
		{message.Timer, message.UAS, message.UAS},
	}
	for _, c := range cases {
		e := message.Extensions{Supported: c.supported, Expires: 600 * time.Second, Refresher: c.refresher}
		got := tr.grant(&e)
		if got.Refresher != c.want || (got.Expires != 0) != (c.supported != 0) {
			t.Errorf("%+v: %+v", e, got)
		}
	}
}

// TestSessionTimerEndsWithTheCall has the edge end a call long before its next
// refresh is due.
func TestSessionTimerEndsWithTheCall(t *testing.T) {
	script(t, func(b *bench) { b.headers = "Supported: timer\r\n" }, [][2]string{
		{"A INVITE", dialled},
		{"B0 200+sdp h:Session-Expires:_1800;refresher=uac", "report B0 ok, B0 ACK, remote B, ring, answered, A 200+sdp"},
		{"A ACK", ""},
		{"1m", ""},
		{"end drain", "B0 BYE, A BYE, attempt B0 answered 200, over drain 200"},
		{"B0 200 BYE", ""},
		{"A 200 BYE", "gone"},
	}...)
}

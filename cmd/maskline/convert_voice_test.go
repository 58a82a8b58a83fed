package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"maskline/configs"
	"maskline/routing"
	"maskline/sip"
)

func TestVoiceConfig(t *testing.T) {
	parse := func(voice string) *configs.Config {
		t.Helper()
		cfg, err := configs.Parse("edge.yaml", []byte(voice), nil)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	want := sip.VoiceConfig{
		Refused: map[routing.Verdict]sip.Announcement{
			routing.UnknownMask: {Prompt: "unknown"}, routing.OutOfSession: {}, routing.Ended: {Prompt: "ended", Answer: true},
			routing.Blocked: {Prompt: "blocked"}, routing.EmergencyRefused: {Prompt: "other", Once: true},
		},
		Unreachable: sip.Announcement{Prompt: "unreachable", Answer: true},
		Ring:        15 * time.Second, Accept: true, AcceptWithin: 12 * time.Second,
	}
	got := voiceConfig(parse(`routing:
  unknown_mask: {voice: {announce: unknown}}
  ended_session: {voice: {announce: ended, mode: answer, code: 480}}
  voice: {emergency: other, blocked: {announce: blocked}, unreachable: {announce: unreachable, mode: answer}, ring: 15s, accept: press_1, accept_within: 12s}
`))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	want = sip.VoiceConfig{
		Refused: map[routing.Verdict]sip.Announcement{
			routing.UnknownMask: {}, routing.OutOfSession: {}, routing.Ended: {}, routing.Blocked: {},
			routing.EmergencyRefused: {Prompt: "emergency", Once: true},
		},
		AcceptWithin: 20 * time.Second,
	}
	if diff := cmp.Diff(want, voiceConfig(parse("node: edge-1\n"))); diff != "" {
		t.Error("by default: ", diff)
	}
	if code := routingConfig(parse("routing: {unknown_mask: {voice: {announce: unknown, code: 480}}}\n"), nil).UnknownMask.Code; code != 480 {
		t.Errorf("the code after an announcement is %d", code)
	}
}

func TestPromptsAreCheckedAtStartAndReload(t *testing.T) {
	with := func(name string) string {
		return testConfig + "media: {prompts: prompts}\nrouting: {voice: {blocked: {announce: " + name + "}}}\n"
	}
	c := newCLI(t)
	refused := func(why string, args ...string) {
		t.Helper()
		if code, _, errs := c.run(args...); code != 1 || !strings.Contains(errs, why) {
			t.Errorf("%v: exit %d, %q", args, code, errs)
		}
	}
	startEdge(t, c)
	c.write("edge.yaml", with("blocked"))
	refused("media.prompts", "check", "edge.yaml")
	refused("media.prompts", "reload", "--config", "edge.yaml")
	if err := os.Mkdir(c.path("prompts"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.ok("check", "edge.yaml")
	if out := c.ok("reload", "--config", "edge.yaml"); out != "applied: media.prompts\napplied: routing.voice\n" {
		t.Errorf("told: %q", out)
	}
	c.write("edge.yaml", with("sale"))
	refused(`routing.voice.blocked: there is no announcement "sale"`, "check", "edge.yaml")
	refused("sale", "serve", "--config", "edge.yaml")
	refused("sale", "reload", "--config", "edge.yaml")
	c.write("prompts/sale.wav", "RIFF")
	refused("sale.wav", "check", "edge.yaml")
	refused("sale.wav", "reload", "--config", "edge.yaml")
}

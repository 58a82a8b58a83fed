//go:build peers

package edge

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"testing"
)

const (
	sampleRate = 8000
	wavHeader  = 44
)

// writeTone writes a minute of a sine as 16-bit mono.
func writeTone(t *testing.T, file string, hertz float64) {
	t.Helper()
	const size = 60 * sampleRate * 2
	b := bytes.NewBufferString("RIFF")
	for _, v := range []any{
		uint32(wavHeader - 8 + size), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(sampleRate),
		uint32(2 * sampleRate), uint16(2), uint16(16), []byte("data"), uint32(size),
	} {
		if err := binary.Write(b, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	for i := range size / 2 {
		sample := int16(12000 * math.Sin(2*math.Pi*hertz*float64(i)/sampleRate))
		_ = binary.Write(b, binary.LittleEndian, sample) // a buffer takes everything
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// readWAV reads the samples of a 16-bit mono file of the common kind.
func readWAV(t *testing.T, file string) []float64 {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) < wavHeader || string(b[:4]) != "RIFF" || string(b[12:16]) != "fmt " ||
		binary.LittleEndian.Uint16(b[22:]) != 1 || binary.LittleEndian.Uint32(b[24:]) != sampleRate || binary.LittleEndian.Uint16(b[34:]) != 16 {
		t.Fatalf("%s is no 16-bit mono file of %d Hz", file, sampleRate)
	}
	at := bytes.Index(b, []byte("data"))
	if at < 0 {
		t.Fatalf("%s holds no samples", file)
	}
	var samples []float64
	for b = b[at+8:]; len(b) >= 2; b = b[2:] {
		samples = append(samples, float64(int16(binary.LittleEndian.Uint16(b))))
	}
	return samples
}

// share is the part of the power that lies in one frequency: 1 for a pure tone
// of it. It is the mean over tenths of a second: what a phone leaves out for want of
// processors puts the rest of a tone out of step with what was before.
func share(samples []float64, hertz float64) float64 {
	const window = sampleRate / 10
	sum, windows := 0.0, 0
	for ; len(samples) >= window; samples = samples[window:] {
		sum += goertzel(samples[:window], hertz)
		windows++
	}
	if windows == 0 {
		return goertzel(samples, hertz)
	}
	return sum / float64(windows)
}

// goertzel is the part of the power of few samples.
func goertzel(samples []float64, hertz float64) float64 {
	w := 2 * math.Pi * hertz / sampleRate
	var s1, s2, power float64
	for _, x := range samples {
		s1, s2 = x+2*math.Cos(w)*s1-s2, s1
		power += x * x
	}
	if power == 0 {
		return 0
	}
	return (s1*s1 + s2*s2 - 2*math.Cos(w)*s1*s2) / (power * float64(len(samples)) / 2)
}

func TestShareOfATone(t *testing.T) {
	tone := func(hertz float64) []float64 {
		samples := make([]float64, sampleRate)
		for i := range samples {
			samples[i] = 1000 * math.Sin(2*math.Pi*hertz*float64(i)/sampleRate)
		}
		return samples
	}
	if got := share(tone(440), 440); got < 0.99 || got > 1.01 {
		t.Errorf("a tone has %v of its own frequency", got)
	}
	if got := share(tone(440), 880); got > 0.001 {
		t.Errorf("a tone has %v of another frequency", got)
	}
	torn := append(tone(440)[:sampleRate/2-packetSamples/3], tone(440)...)
	if got, other := share(torn, 440), share(torn, 880); got < 0.9 || other > noTone {
		t.Errorf("a tone that lacks part of a packet has %v of its own frequency, %v of another", got, other)
	}
	if got := share(append(tone(880), tone(440)...), 440); got < 0.49 || got > 0.51 {
		t.Errorf("where it is half of the time a tone has %v", got)
	}
	if got := share(make([]float64, sampleRate), 440); got != 0 {
		t.Errorf("silence has %v of a frequency", got)
	}
}

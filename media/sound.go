package media

import (
	"math"
	"slices"
	"time"
)

const (
	frameTime    = 20 * time.Millisecond // of every packet that we play
	frameSamples = int(frameTime/time.Millisecond) * sampleRate / 1000
)

// Sound is what can be played, in both laws of G.711. It does not change.
type Sound struct{ laws [2][]byte }

// Duration is how long it takes once.
func (s *Sound) Duration() time.Duration {
	return time.Duration(len(s.laws[muLaw])) * time.Second / sampleRate
}

func newSound(samples []int16) *Sound {
	s := &Sound{}
	for l := range s.laws {
		s.laws[l] = make([]byte, len(samples))
		for i, v := range samples {
			s.laws[l][i] = law(l).encode(v)
		}
	}
	return s
}

// fromCompanded keeps the octets of the law that the sound came in.
func fromCompanded(octets []byte, of law) *Sound {
	samples := make([]int16, len(octets))
	for i, b := range octets {
		samples[i] = of.decode(b)
	}
	s := newSound(samples)
	s.laws[of] = slices.Clone(octets)
	return s
}

// tonePart is a piece of a tone: frequencies that sound together, none for
// silence.
type tonePart struct {
	hertz []float64
	lasts time.Duration
}

// tone makes a sound of parts at -10 dBm0 in all. ITU-T E.180, Q.35.
func tone(parts ...tonePart) *Sound {
	const peak = 7076 // 13.14 dB below the largest sine, which is 3.14 dBm0
	var samples []int16
	for _, p := range parts {
		n := int(p.lasts * sampleRate / time.Second)
		for i := range n {
			v := 0.0
			for _, f := range p.hertz {
				v += math.Sin(2*math.Pi*f*float64(i)/sampleRate) * peak / math.Sqrt(float64(len(p.hertz)))
			}
			samples = append(samples, int16(v))
		}
	}
	return newSound(samples)
}

// ringbackTone is the one of most of the world: 425 Hz, 1 s on and 4 s off.
// ETSI TR 101 041-2.
func ringbackTone() *Sound {
	return tone(tonePart{[]float64{425}, time.Second}, tonePart{nil, 4 * time.Second})
}

package media

import (
	"math"
	"time"
)

// impairment is what a codec does to speech on the scale of the E-model, where
// its decoder conceals losses.
type impairment struct {
	ie  float64 // equipment impairment without loss
	bpl float64 // robustness against loss
	// delay is of framing, with 20 ms in a packet or what the codec's frame is if
	// longer, and of look-ahead.
	delay time.Duration
}

// codec is one that can be rated; the zero value is one that cannot.
type codec uint8

const (
	unrated codec = iota
	g711
	opus
	g729
	g723
	efr
	gsm
)

// codecOf finds a codec by the name of its encoding, as in rtpmap.
func codecOf(name string) codec {
	switch name {
	case "PCMU", "PCMA", "G722":
		return g711
	case "opus":
		return opus
	case "G729":
		return g729
	case "G723":
		return g723
	case "GSM-EFR", "AMR":
		return efr
	case "GSM":
		return gsm
	default:
		return unrated
	}
}

// impairment holds values of ITU-T G.113 Appendix I. Some codecs have none on the
// narrowband scale: G722 and opus count as G.711, and GSM is as robust as GSM-EFR.
func (c codec) impairment() impairment {
	const frame = 20 * time.Millisecond
	switch c {
	case g711:
		return impairment{0, 25.1, frame}
	case opus:
		return impairment{0, 25.1, frame + 6500*time.Microsecond}
	case g729:
		return impairment{11, 19, frame + 5*time.Millisecond}
	case g723:
		return impairment{15, 16.1, 37500 * time.Microsecond}
	case efr:
		return impairment{5, 10, frame + 5*time.Millisecond}
	case gsm:
		return impairment{20, 10, frame}
	default:
		return impairment{}
	}
}

// The E-model with all defaults of ITU-T G.107 §7.7, which leave these as
// constants.
const (
	modelRo   = 94.77 // signal to noise
	modelIs   = 1.41  // what comes with the voice: sidetone, quantization
	modelTELR = 65    // talker's echo loudness, dB
	modelRle  = 10.5 * (110 + 7)
)

// rate is R for speech of that codec with that part of its packets lost, at most
// 1, in bursts that much longer than losses by chance would be, at least 1, after
// that delay from mouth to ear. // ITU-T G.107 §7
func rate(of impairment, loss, burst float64, delay time.Duration) float64 {
	percent := 100 * loss
	equipment := of.ie + (95-of.ie)*percent/(percent/burst+of.bpl)
	r := modelRo - modelIs - delayImpairment(float64(delay)/float64(time.Millisecond)) - equipment
	return min(max(r, 0), 100)
}

// delayImpairment is Id: the talker's echo, the listener's, and delay as such,
// with an echo as of a good digital telephone. // ITU-T G.107 §7.4
func delayImpairment(ms float64) float64 {
	terv := modelTELR - 40*math.Log10((1+ms/10)/(1+ms/150)) + 6*math.Exp(-0.3*ms*ms)
	talker := (modelRo - (80 + 2.5*(terv-14))) / 2
	idte := (talker + math.Sqrt(talker*talker+100) - 1) * (1 - math.Exp(-ms))
	listener := (modelRo - modelRle*math.Pow(2*ms+1, -0.25)) / 2
	idle := listener + math.Sqrt(listener*listener+169)
	id := idte + idle
	if ms > 100 {
		x := math.Log2(ms / 100)
		id += 25 * (math.Pow(1+math.Pow(x, 6), 1./6) - 3*math.Pow(1+math.Pow(x/3, 6), 1./6) + 2)
	}
	return id
}

// opinion is the mean opinion score for R, from 1 to 4.5. // ITU-T G.107 Annex B
func opinion(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	default:
		return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
	}
}

package media

// law is a companding of G.711.
type law uint8

const (
	muLaw law = iota // PCMU
	aLaw             // PCMA
)

// silence is an octet of no sound.
func (l law) silence() byte {
	if l == aLaw {
		return 0xd5
	}
	return 0xff
}

func (l law) encode(sample int16) byte {
	if l == aLaw {
		return encodeALaw(sample)
	}
	return encodeMuLaw(sample)
}

func (l law) decode(b byte) int16 {
	if l == aLaw {
		return decodeALaw(b)
	}
	return decodeMuLaw(b)
}

// muBias and muClip are those of the segments. ITU-T G.711 table 2a.
const (
	muBias = 132
	muClip = 32635
)

func encodeMuLaw(sample int16) byte {
	v, sign := int(sample), byte(0)
	if v < 0 {
		v, sign = -v, 0x80
	}
	v = min(v, muClip) + muBias
	segment := 7
	for top := 0x4000; segment > 0 && v&top == 0; top >>= 1 {
		segment--
	}
	return ^(sign | byte(segment<<4) | byte(v>>(segment+3)&0x0f))
}

func decodeMuLaw(b byte) int16 {
	b = ^b
	v := (int(b&0x0f)<<3+muBias)<<(b>>4&7) - muBias
	if b&0x80 != 0 {
		v = -v
	}
	return int16(v)
}

// encodeALaw is ITU-T G.711 table 1a; even bits are inverted on the line.
func encodeALaw(sample int16) byte {
	v, sign := int(sample), byte(0x80)
	if v < 0 {
		v, sign = -v-1, 0
	}
	segment := 7
	for top := 0x4000; segment > 0 && v&top == 0; top >>= 1 {
		segment--
	}
	code := byte(v >> 4)
	if segment > 0 {
		code = byte(segment<<4) | byte(v>>(segment+3)&0x0f)
	}
	return (sign | code) ^ 0x55
}

func decodeALaw(b byte) int16 {
	b ^= 0x55
	v := int(b&0x0f)<<4 + 8
	if segment := b >> 4 & 7; segment > 0 {
		v = (v + 0x100) << (segment - 1)
	}
	if b&0x80 == 0 {
		v = -v
	}
	return int16(v)
}

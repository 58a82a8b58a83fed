#!/bin/sh
# Makes the shipped prompts: English, neutral, 8 kHz mu-law, a few seconds each.
# Needs espeak-ng and sox. What espeak-ng speaks belongs to whoever lets it speak:
# its licence (GPL-3.0) covers the program, not its output. The files are part of
# this project and under its licence.
set -eu
cd "$(dirname "$0")"

say() { # name, text
	espeak-ng -v en-us -s 160 -g 2 -w /dev/stdout "$2" |
		sox -D -t wav - -t wav -r 8000 -c 1 -b 8 -e mu-law "$1.wav" \
			highpass 200 lowpass 3400 norm -6 silence 1 0.05 0.5% pad 0.3 0.4
}

say unknown "The number you have dialled is not in use."
say ended "This number is no longer in use for your call."
say unreachable "The person you are calling cannot be reached at the moment. Please try again later."
say blocked "Your call cannot be put through."
say emergency "Emergency calls are not possible here. Please hang up, and dial from your phone itself."
say accept "You have a call. To take it, press one."

#!/usr/bin/perl
# Debian's Net::SMPP as an SMSC or as an ESME. It prints one JSON event a line and
# takes one JSON command a line, as smsc.js does:
#   netsmpp.pl smsc NAME                     {"mode": "accept" | "throttle"}, {"deliver": {...}, "tag": "..."}
#   netsmpp.pl esme PORT SYSTEM_ID PASSWORD  {"submit": {...}, "tag": "..."}, {"unbind": true}
use strict;
use warnings;
use Encode ();
use IO::Select;
use JSON::PP;
use Net::SMPP;

$| = 1;
my $json = JSON::PP->new->ascii->canonical;
sub emit { print $json->encode({@_}), "\n" }

use constant {
    SUBMIT_SM => 0x04, DELIVER_SM => 0x05, UNBIND => 0x06, ENQUIRE_LINK => 0x15, RESPONSE => 0x80000000,
    THROTTLED => 0x58,
};

my ($role, @args) = @ARGV;
my ($mode, $last, %tags) = ('accept', 0);
my $name = $role eq 'smsc' ? $args[0] : 'esme';
my @defaults = (smpp_version => 0x34, interface_version => 0x34);
my ($listener, %peers);

if ($role eq 'smsc') {
    $listener = Net::SMPP->new_listen('127.0.0.1', port => 0, @defaults) or die "listening: $!";
    emit(event => 'listening', port => $listener->sockport);
} else {
    my ($smpp, $resp) = Net::SMPP->new_transceiver('127.0.0.1', port => $args[0],
        system_id => $args[1], password => $args[2], system_type => '', @defaults) or die "binding: $!";
    emit(event => 'bound', status => $resp ? $resp->{status} : -1);
    exit 1 if !$resp || $resp->{status};
    $peers{$smpp} = $smpp;
}

# describe is a message for the test: its header apart from its text.
sub describe {
    my ($pdu) = @_;
    my ($text, @udh) = ($pdu->{short_message});
    if ($pdu->{esm_class} & 0x40) {
        my $length = ord $text;
        my $at = 1;
        while ($at < $length) {
            my $size = 2 + ord substr($text, $at + 1, 1);
            push @udh, unpack('H*', substr($text, $at, $size));
            $at += $size;
        }
        $text = substr($text, $length + 1);
    }
    $text = Encode::decode('UTF-16BE', $text) if $pdu->{data_coding} == 8;
    return (
        from => $pdu->{source_addr}, to => $pdu->{destination_addr}, text => $text, coding => $pdu->{data_coding},
        esm => $pdu->{esm_class}, registered => $pdu->{registered_delivery}, udh => \@udh,
    );
}

sub addresses {
    my ($from, $to) = @_;
    return (source_addr_ton => 1, source_addr_npi => 1, source_addr => $from,
        dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => $to);
}

sub submitted {
    my ($peer, $pdu) = @_;
    if ($mode eq 'throttle') {
        $peer->submit_sm_resp(seq => $pdu->{seq}, status => THROTTLED, message_id => '');
        emit(event => 'submit', mode => $mode, describe($pdu));
        return;
    }
    my $id = sprintf '0%s%X', uc $name, ++$last;
    $peer->submit_sm_resp(seq => $pdu->{seq}, message_id => $id);
    emit(event => 'submit', mode => $mode, id => $id, describe($pdu));
    return if !($pdu->{registered_delivery} & 1);
    $peer->deliver_sm(
        addresses($pdu->{destination_addr}, $pdu->{source_addr}), esm_class => 4, async => 1,
        short_message => lc("id:$id sub:001 dlvrd:001 submit date:2611220000 done date:2611220001") . ' stat:DELIVRD err:000 text:secret',
        receipted_message_id => "$id\0", message_state => "\2",
    );
}

# pdu takes one PDU and returns false where the connection is over.
sub pdu {
    my ($peer) = @_;
    my $pdu = $peer->read_pdu or return 0;
    my $command = $pdu->{cmd};
    if ($command == 1 || $command == 2 || $command == 9) {
        $peer->bind_transceiver_resp(seq => $pdu->{seq}, system_id => $name) if $command == 9;
        emit(event => 'bound', from => $pdu->{system_id});
    } elsif ($command == SUBMIT_SM) {
        submitted($peer, $pdu);
    } elsif ($command == DELIVER_SM) {
        $peer->deliver_sm_resp(seq => $pdu->{seq}, message_id => '');
        my $id = $pdu->{receipted_message_id} // '';
        emit(event => 'deliver', id => $id =~ s/\0$//r, describe($pdu));
    } elsif ($command == (RESPONSE | SUBMIT_SM)) {
        emit(event => 'submit_resp', tag => $tags{$pdu->{seq}}, status => $pdu->{status}, id => $pdu->{message_id} // '');
    } elsif ($command == (RESPONSE | DELIVER_SM)) {
        emit(event => 'deliver_resp', tag => $tags{$pdu->{seq}} // '', status => $pdu->{status});
    } elsif ($command == ENQUIRE_LINK) {
        $peer->enquire_link_resp(seq => $pdu->{seq});
    } elsif ($command == UNBIND) {
        $peer->unbind_resp(seq => $pdu->{seq});
        return 0;
    } elsif ($command == (RESPONSE | UNBIND)) {
        emit(event => 'unbound', status => $pdu->{status});
        return 0;
    }
    return 1;
}

# send puts a message on a bind; its text is given as UTF-16BE where its coding
# is 8, and its header in hexadecimal.
sub message {
    my ($peer, $method, $m, $tag) = @_;
    my $text = $m->{text};
    my $coding = $m->{coding} // 0;
    $text = Encode::encode('UTF-16BE', $text) if $coding == 8;
    my $esm = 0;
    ($text, $esm) = (pack('H*', $m->{udh}) . $text, 0x40) if $m->{udh};
    my $seq = $peer->$method(
        addresses($m->{from}, $m->{to}), data_coding => $coding, esm_class => $esm,
        registered_delivery => $m->{registered} // 0, short_message => $text, async => 1,
    );
    $tags{$seq} = $tag;
}

sub command {
    my ($c) = @_;
    my ($peer) = values %peers;
    $mode = $c->{mode} if $c->{mode};
    message($peer, 'submit_sm', $c->{submit}, $c->{tag}) if $c->{submit};
    message($peer, 'deliver_sm', $c->{deliver}, $c->{tag}) if $c->{deliver};
    $peer->unbind(async => 1) if $c->{unbind};
    emit(event => 'done');
}

my $select = IO::Select->new(\*STDIN, $listener // (), values %peers);
my $input = '';
while (1) {
    for my $ready ($select->can_read) {
        if ($ready == \*STDIN) {
            sysread(STDIN, $input, 65536, length $input) or exit 0; # the test is over
            command(decode_json($1)) while $input =~ s/^(.*)\n//;
        } elsif ($listener && $ready == $listener) {
            my $peer = $listener->accept or next;
            $peers{$peer} = $peer;
            $select->add($peer);
        } elsif (!pdu($ready)) {
            $select->remove($ready);
            delete $peers{$ready};
            close $ready;
            emit(event => 'closed');
            exit 0 if $role eq 'esme';
        }
    }
}

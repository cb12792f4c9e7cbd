#!/usr/bin/env bash
# Makes clips of every kind with ffmpeg (Debian's, which has x264, x265, libvpx), and beside each what ffmpeg decodes from
# it: NAME.framehash with the time and SHA-256 of every picture, or NAME.rgb24 where decoders may round differently.
#
#   make.sh FOLDER [WIDTHxHEIGHT [SECONDS]]
#
# The pattern is drawn; its corners are red (upper left), green, blue, white, clockwise.
set -euo pipefail
folder=${1:?folder to write to}; size=${2:-96x64}; seconds=${3:-1}
width=${size%x*}; height=${size#*x}
mkdir -p "$folder"; cd "$folder"
ff() { ffmpeg -hide_banner -loglevel error -nostdin -y "$@"; }

w=$((width / 3)) h=$((height / 3))
box() { printf 'drawbox=x=%s:y=%s:w=%s:h=%s:color=%s:t=fill' "$1" "$2" "$w" "$h" "$3"; }
right=$((width - w)) bottom=$((height - h))
boxes="$(box 0 0 red),$(box $right 0 lime),$(box $right $bottom blue),$(box 0 $bottom white)"
pattern() { printf 'testsrc2=size=%s:rate=%s:duration=%s,%s,format=%s' "$size" "$1" "$seconds" "$boxes" "${2:-yuv420p}"; }
# What decoders should see: no metadata of the encoder's version.
plain="-map_metadata -1 -fflags +bitexact -flags:v +bitexact"

make() { # NAME PIXELS ffmpeg-arguments...
  local name=$1 rate=$2; shift 2
  # shellcheck disable=SC2086
  ff -f lavfi -i "$(pattern "$rate")" "$@" $plain "$name"
}

x264="-c:v libx264 -preset medium -crf 28 -threads 1"
x265="-c:v libx265 -preset fast -crf 30 -threads 1 -tag:v hvc1 -x265-params log-level=error:pools=1:frame-threads=1"
vp8="-c:v libvpx -b:v 300k -threads 1 -auto-alt-ref 1 -lag-in-frames 10"
vp9="-c:v libvpx-vp9 -b:v 300k -threads 1 -row-mt 0"
vfr='select=not(eq(mod(n\,5)\,2))*not(eq(mod(n\,7)\,3)),setpts=PTS+0.004*random(1)/TB'

# shellcheck disable=SC2086
{
  make h264.mp4 25 $x264 -bf 3 -g 12
  make h264_baseline.mp4 30 $x264 -profile:v baseline -g 30
  make h264_fragmented.mp4 30 $x264 -bf 0 -movflags frag_keyframe+empty_moov+default_base_moof -g 10
  make h264_fragmented_b.mp4 25 $x264 -bf 2 -movflags frag_every_frame+empty_moov+delay_moov
  make h264_vfr.mp4 25 -vf "$vfr" -fps_mode vfr $x264 -bf 2
  make h264.mkv 25 $x264 -bf 2
  make h264_interlaced.mp4 25 $x264 -flags +ilme+ildct -x264-params tff=1 -bf 2
  make hevc.mp4 25 $x265 -g 12
  make hevc.mkv 25 $x265
  make hevc_fragmented.mp4 25 $x265 -movflags frag_keyframe+empty_moov -g 10
  make hevc10.mp4 25 -pix_fmt yuv420p10le $x265
  make vp8.webm 25 $vp8
  make vp8_live.webm 25 $vp8 -auto-alt-ref 0 -live 1
  make vp9.webm 25 $vp9
  make vp9_vfr.webm 25 -vf "$vfr" -fps_mode vfr $vp9
  # Frames that are decoded and not shown, packed together with one that is.
  make vp9_hidden.webm 25 $vp9 -deadline realtime -cpu-used 8
  make vp9.mp4 25 $vp9
  make gif.gif 10 -c:v gif
  make mjpeg.avi 15 -pix_fmt yuvj420p -c:v mjpeg -q:v 4
  make mjpeg.mov 15 -pix_fmt yuvj420p -c:v mjpeg -q:v 4
  make mjpeg.mkv 15 -pix_fmt yuvj420p -c:v mjpeg -q:v 4
  make mjpeg.mjpeg 15 -pix_fmt yuvj420p -c:v mjpeg -q:v 4 -f mjpeg
  # As phones write: sound beside the picture, in QuickTime's own way.
  ff -f lavfi -i "$(pattern 30)" -f lavfi -i "sine=duration=$seconds" $x264 -bf 2 -c:a aac -b:a 32k -shortest $plain sound.mov
  # BT.709 in full range, stated in the stream and in the container.
  make h264_709_full.mp4 25 -vf "scale=out_color_matrix=bt709:out_range=full" -color_range pc -colorspace bt709 -color_primaries bt709 -color_trc bt709 -movflags +write_colr $x264
  for turn in 90 180 270; do
    ff -i h264.mp4 -c copy $plain -metadata:s:v:0 rotate=$turn "rotated_$turn.mp4"
  done
  # Refused by name.
  make refused_mpeg4.mp4 25 -c:v mpeg4 -q:v 8
  make refused_prores.mov 25 -c:v prores_ks -profile:v 0
  make refused_av1.webm 5 -c:v libaom-av1 -cpu-used 8 -crf 60 -threads 1
  make refused_theora.mkv 25 -c:v libtheora -q:v 2
}

for clip in *.*; do
  case $clip in
    refused_* | *.framehash | *.rgb24 | *.sh | *.md) continue ;;
    mjpeg*) ff -i "$clip" -pix_fmt rgb24 -fps_mode passthrough -f rawvideo "$clip.rgb24"; continue ;;
    # Ten bits a sample are cut to eight, and stay in two bytes.
    hevc10*) how='-vf lutyuv=y=floor(val/4):u=floor(val/4):v=floor(val/4)' ;;
    gif*) how='-pix_fmt rgb24' ;;
    *) how= ;;
  esac
  # shellcheck disable=SC2086
  ff -noautorotate -i "$clip" -map 0:v:0 $how -fps_mode passthrough -f framehash -hash sha256 - | grep -v '^#software' > "$clip.framehash"
done

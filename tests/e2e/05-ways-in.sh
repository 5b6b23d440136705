#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The three ways in that artifactd-server.conf shows, with their comments
# taken away: who has none is turned away in JSON, who has one is created_by.
. "$(dirname "$0")/lib.sh"

nginx_render
server=$WORK/nginx/artifactd-server.conf

# way NUMBER PORT [SED ARGUMENT...]: one more server block, with this one in
# force: what stands there as a comment, from its first directive on.
way()
{
	local number=$1 port=$2
	shift 2

	awk -v number="$number" '
	    $1 == "#" && $2 ~ /^[1-3]\.$/ { way = $2 + 0; is_on = 0 }
	    way == number && $2 ~ /^(ssl_certificate|set|auth_request)$/ {
		    is_on = 1 }
	    is_on { sub(/# ?/, "") }
	    { print }' "$server" |
	    sed "s/listen .*:[0-9]*/listen 127.0.0.1:$port/" |
	    sed "$@" >"$WORK/way.$number"
}

# certificate NAME SUBJECT ARGUMENT...
certificate()
{
	local name=$1 subject=$2
	shift 2

	openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "$subject" \
	    -keyout "$WORK/$name.key" -out "$WORK/$name.pem" "$@" 2>/dev/null
}

certificate server /CN=localhost -addext subjectAltName=IP:127.0.0.1
certificate alice /CN=alice
certificate mallory /CN=alice
certs=$(free_port)
token=$(free_port)
asked=$(free_port)
other=$(free_port)
way 1 "$certs ssl" \
    -e "s|/etc/ssl/artifactd.pem|$WORK/server.pem|" \
    -e "s|/etc/ssl/private/artifactd.key|$WORK/server.key|" \
    -e "s|/etc/ssl/artifactd-clients.pem|$WORK/alice.pem|"
way 2 "$token" -e n
way 3 "$asked" -e "s/127.0.0.1:9091/127.0.0.1:$other/"
cat "$WORK"/way.[123] - >>"$server" <<END
map \$http_authorization \$artifactd_token_user {
	default                                       "";
	"Bearer at-least-32-random-characters"        "ci";
}
server {
	listen 127.0.0.1:$other;
	location = /verify {
		if (\$http_x_ok = "") {
			return 403;
		}
		add_header X-User bob;
		return 204;
	}
}
END
make_store
daemon_start
nginx_start
wait_ready
plain=$URL

# refused TEXT STATUS [CURL ARGUMENT...]
refused()
{
	local text=$1 status=$2
	shift 2

	http GET /artifacts "$@"
	check "$text: $status in JSON" is_error "$status"
	http POST /artifacts -F workflow_id=w -F artifact_type=t \
	    -F "file=@$0" "$@"
	check "… a create too" is_error "$status"
}

# let_in TEXT USER [CURL ARGUMENT...]
let_in()
{
	local text=$1 user=$2
	shift 2

	http POST /artifacts -F workflow_id=w -F artifact_type=t \
	    -F "file=@$0" "$@"
	check "$text: 201" equal "$STATUS" 201
	http GET "/artifacts/$(member id)" "$@"
	check "… created_by $user" equal "$(member created_by)" "$user"
	check "… for no shared cache" equal "$(header Cache-Control)" \
	    "private, no-cache"
}

URL=https://127.0.0.1:$certs
trust=(--cacert "$WORK/server.pem")
refused "no client certificate" 400 "${trust[@]}"
refused "somebody's certificate" 400 "${trust[@]}" \
    --cert "$WORK/mallory.pem" --key "$WORK/mallory.key"
let_in "a client certificate" CN=alice "${trust[@]}" \
    --cert "$WORK/alice.pem" --key "$WORK/alice.key"
URL=http://127.0.0.1:$certs
refused "no TLS" 400

URL=http://127.0.0.1:$token
refused "no token" 401
refused "another token" 401 -H 'Authorization: Bearer x'
refused "a name without a password" 401 -u ci:
let_in "the token" ci -H 'Authorization: Bearer at-least-32-random-characters'

URL=http://127.0.0.1:$asked
refused "the other service says no" 403
let_in "the other service says yes" bob -H 'X-Ok: yes'

# Without one nobody is anybody, whatever is said.
URL=$plain
http POST /artifacts -u alice: -H 'X-User: bob' -H 'Remote-User: bob' \
    -F workflow_id=w -F artifact_type=t -F "file=@$0"
http GET "/artifacts/$(member id)"
check "nobody without a way in" equal "$(member created_by)" null
finish

#!/bin/bash
# SPDX-License-Identifier: ISC
#
# The three guards (token, certificate, auth_request) in a site that has other
# paths too, at its root and below a prefix. A client that the guard refuses
# gets JSON, on every path. A client that the guard lets in becomes created_by,
# also with content of 50 MiB. The rest of the site stays as it was.
. "$(dirname "$0")/lib.sh"

nginx_render
conf=$WORK/nginx
head -c 52428800 /dev/urandom >"$WORK/50MiB"

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
unset_port=$(free_port)
other=$(free_port)

# site PORT LINE...: a server block that is somebody's already.
site()
{
	printf 'server {\n\tlisten 127.0.0.1:%s;\n' "$1"
	shift
	printf '\t%s\n' "$@"
	cat <<'END'
	location / {
		return 200 "the site\n";
	}
	location ~ \.php$ {
		return 418;
	}
}
END
}

for way in token certificate request everybody; do
	LOCATIONS=$conf "$TOP_SRCDIR/nginx/locations.sh" $way /a/store \
	    >"$conf/below-$way.conf"
done
{
	site "$certs ssl" "ssl_certificate $WORK/server.pem;" \
	    "ssl_certificate_key $WORK/server.key;" \
	    "ssl_client_certificate $WORK/alice.pem;" \
	    "ssl_verify_client optional;" \
	    "include $conf/artifactd-locations-certificate.conf;"
	site "$token" "include $conf/artifactd-locations-token.conf;"
	site "$asked" "set \$artifactd_auth_url http://127.0.0.1:$other/verify;" \
	    "include $conf/artifactd-locations-request.conf;"
	site "$unset_port" "include $conf/artifactd-locations-request.conf;"
	cat <<END
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
} >"$WORK/at-root"
# The same below a prefix.
for port in certs token asked unset_port everybody; do
	declare "$port"_below="$(free_port)"
done
sed -e "s/:$certs ssl/:$certs_below ssl/" -e "s/:$token;/:$token_below;/" \
    -e "s/:$asked;/:$asked_below;/" -e "s/:$unset_port;/:$unset_port_below;/" \
    -e "s|artifactd-locations-|below-|" -e '/^map/,$d' "$WORK/at-root" \
    >"$WORK/below"
site "$everybody_below" "include $conf/below-everybody.conf;" >>"$WORK/below"
cat "$WORK/at-root" "$WORK/below" >>"$conf/artifactd-server.conf"
make_store
daemon_start
nginx_start
wait_ready
plain=$URL

# refused TEXT STATUS [CURL ARGUMENT...]: below $BASE, whatever is asked.
refused()
{
	local text=$1 status=$2 path urls=()
	shift 2

	for path in /artifacts /artifacts/ "/artifacts?limit=1" \
	    "/artifacts/$KNOWN" "/artifacts/$KNOWN/content" \
	    "/artifacts/$KNOWN/raw" "/artifacts/$KNOWN%2Fcontent" \
	    /artifacts/x.php /artifact%73 /healthz /readyz /metrics \
	    /openapi.json; do
		urls+=("$URL$BASE$path" "$URL$BASE/api/v1$path")
	done
	urls+=("$URL$BASE/api/v1/health")
	for path in "${urls[@]}"; do
		printf -- '-o "%s/body"\nurl = "%s"\n' "$WORK" "$path"
	done | sed 's/^-o /output = /' >"$WORK/urls"
	curl -s -m 60 --path-as-is -K "$WORK/urls" "$@" \
	    -w '%{http_code} %{content_type} %header{x-request-id}\n' |
	    sed 's/ [0-9a-f]\{32\}$/ id/' | sort | uniq -c >"$WORK/answers"
	check "$text: $status in JSON of all paths" \
	    equal "$(sed 's/^ *//' "$WORK/answers")" \
	    "${#urls[@]} $status application/json id"
	http DELETE "$BASE/artifacts/$KNOWN" "$@"
	check "… a DELETE too" is_error "$status"
	http POST "$BASE/artifacts" -F workflow_id=w -F artifact_type=t \
	    -F "file=@$0" "$@"
	check "… and a create" is_error "$status"
}

# turned_away TEXT [CURL ARGUMENT...]: by nginx, whatever the path, as the site
# has its error pages.
turned_away()
{
	local text=$1
	shift

	http GET "$BASE/artifacts/$KNOWN/raw" "$@"
	check "$text: 400" equal "$STATUS" 400
	http DELETE "$BASE/artifacts/$KNOWN" "$@"
	check "… a DELETE too" equal "$STATUS" 400
}

# let_in TEXT USER [CURL ARGUMENT...]
let_in()
{
	local text=$1 user=$2 file=$WORK/50MiB made
	shift 2

	[ -z "$BASE" ] || file=$0
	http POST "$BASE/artifacts" -F workflow_id=w -F artifact_type=t \
	    -F "file=@$file" "$@"
	check "$text: 201 for $(stat -c %s "$file") bytes" equal "$STATUS" 201
	made=$(member id)
	check "… whose Location keeps the path" \
	    equal "$(header Location)" "$BASE/artifacts/$made"
	http GET "$(header Location)" -o "$WORK/body" "$@" -G \
	    -d include_content=false -H 'Content-Type:'
	check "… created_by $user" equal "$(member created_by)" "$user"
	check "… for no shared cache" equal "$(header Cache-Control)" \
	    "$([ "$user" = null ] || printf 'private, ')no-cache"
	http POST "$BASE/artifacts/$made/upload" -F "file=@$file" "$@"
	check "… and as many replace them" equal "$STATUS" 200
	check "… whose storage_url is below it" \
	    equal "$(member storage_url)" "$BASE/artifacts/$made/raw"
	http GET "$(member storage_url)" "$@"
	check "… and leads to them" cmp "$WORK/body" "$file"
	http DELETE "$BASE/artifacts/$made" "$@"
	check "… and they go" equal "$STATUS" 200
}

# judged TEXT SEVERITY: what doctor says of $URL$BASE, as others reach it. It
# has the token at hand, and does not know who signed the certificate.
judged()
{
	local url=${URL/127.0.0.1/0.0.0.0}$BASE

	ARTIFACT_TOKEN=at-least-32-random-characters "$ARTIFACTCTL" doctor \
	    --verbose --config /dev/null --set secret_file="$SECRET" \
	    --set listen="$SOCKET" --set state_dir="$STORE" \
	    --set public_url="$url" >"$WORK/findings" 2>&1
	check "… and doctor says: $1" \
	    grep -q "^$2 *public_url" "$WORK/findings"
}

# site_stays [CURL ARGUMENT...]
site_stays()
{
	http GET / "$@"
	check "… and the site is open" equal "$STATUS:$(body)" "200:the site"
	http GET /x.php "$@"
	check "… all of it" equal "$STATUS" 418
}

create
KNOWN=$ID
trust=(--cacert "$WORK/server.pem")
for below in "" _below; do
	BASE=${below:+/a/store}
	port=certs$below
	URL=https://127.0.0.1:${!port}
	refused "no client certificate${below:+, below a path}" 401 \
	    "${trust[@]}"
	turned_away "somebody's certificate" "${trust[@]}" \
	    --cert "$WORK/mallory.pem" --key "$WORK/mallory.key"
	let_in "a client certificate" CN=alice "${trust[@]}" \
	    --cert "$WORK/alice.pem" --key "$WORK/alice.key"
	site_stays "${trust[@]}"
	judged "not open" ok
	URL=http://127.0.0.1:${!port}
	turned_away "no TLS"

	port=token$below
	URL=http://127.0.0.1:${!port}
	refused "no token${below:+, below a path}" 401
	refused "another token" 401 -H 'Authorization: Bearer x'
	refused "a name without a password" 401 -u ci:
	let_in "the token" ci \
	    -H 'Authorization: Bearer at-least-32-random-characters'
	site_stays
	judged "not open" ok

	port=asked$below
	URL=http://127.0.0.1:${!port}
	refused "the other service says no${below:+, below a path}" 403
	let_in "the other service says yes" bob -H 'X-Ok: yes'
	site_stays
	judged "not open" ok

	# What was forgotten opens nothing.
	port=unset_port$below
	URL=http://127.0.0.1:${!port}
	refused "no other service is named" 500 -H 'X-Ok: yes'
	judged "not known" unknown
done

# Below a prefix there is nothing else, and nothing beside it.
URL=http://127.0.0.1:$everybody_below
let_in "everybody, below a path" null
judged "open" warning
http GET /artifacts
check "… and not beside it" equal "$STATUS:$(body)" "200:the site"
http GET "/a/store/artifacts/?workflow_id=w"
check "a trailing slash: 307 below it" equal "$STATUS:$(header Location)" \
    "307:/a/store/artifacts?workflow_id=w"
http GET "/a/store/api/v1/artifacts/?x"
check "… with its base" equal "$(header Location)" \
    "/a/store/api/v1/artifacts?x"
for number in 1 2 3; do
	http POST /a/store/artifacts -d "{\"workflow_id\":\"pages\",
	    \"artifact_type\":\"t\",\"title\":\"$number\",\"content\":\"c\"}"
done
http GET "/a/store/api/v1/artifacts?workflow_id=pages&limit=2"
next=$(header Link | sed -n 's/^<\(.*\)>; rel="next"$/\1/p')
check "the next page is below it" \
    [ "${next#/a/store/api/v1/artifacts?}" != "$next" ]
http GET "$next"
check "… and there" equal "$STATUS:$(member 0.title)" 200:1
for path in //a/store/artifacts /b/../a/store/artifacts \
    /a/store//artifacts /a/store/./artifacts; do
	http GET "$path"
	check "$path: 404, as without a prefix" is_error 404
done
http GET /a/st%6Fre/artifacts
check "an encoded prefix is the same" equal "$STATUS" 200
http GET /a/store/nope
check "what is not ours is the site's" equal "$STATUS:$(body)" "200:the site"
ctl=$(dirname "$ARTIFACTD")/artifactctl
if [ -x "$ctl" ]; then
	check "artifactctl follows it" equal "$("$ctl" list -w pages --all \
	    --json --url "$URL/a/store" 2>/dev/null | grep -c '"id"')" 3
fi

# Without one nobody is anybody, whatever is said.
URL=$plain
http POST /artifacts -u alice: -H 'X-User: bob' -H 'Remote-User: bob' \
    -H 'Artifactd-Prefix: /x' -F workflow_id=w -F artifact_type=t \
    -F "file=@$0"
check "no header is a prefix" \
    equal "$(header Location)" "/artifacts/$(member id)"
http GET "/artifacts/$(member id)"
check "nobody without a way in" equal "$(member created_by)" null
finish

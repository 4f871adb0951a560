"""The text of nginx's configuration, with `<<name>>` where `nginx_config` fills in.

The phases of nginx decide its shape: `auth_request` asks in the access phase, `try_files`, which comes right after it, may then
choose a location by what was answered, and each location has numbers of its own for the times to answer.
"""

from __future__ import annotations

from typing import Final

MAIN: Final = r"""# Rendered by `manage.py render_gateway_config --proxy nginx`; docs/architecture/gateway.md §11.
worker_processes auto;
worker_shutdown_timeout <<stop_timeout>>;
worker_rlimit_nofile 65536;
pid <<pid_file>>;
# Messages about single calls quote the request line, and with it what callers put into a query.
error_log stderr crit;

events {
    worker_connections 16384;
    multi_accept on;
}

http {
    server_tokens off;
    default_type application/octet-stream;
    underscores_in_headers off;
    client_header_timeout 10s;
    client_body_timeout <<longest>>;
    send_timeout <<longest>>;
    keepalive_timeout 120s;
    keepalive_requests 100000;
    client_header_buffer_size 4k;
    large_client_header_buffers 4 <<header_buffer>>;
    client_max_body_size <<max_body>>;
    tcp_nodelay on;
    variables_hash_max_size 4096;
    map_hash_bucket_size 256;
    resolver <<resolver>>;
    resolver_timeout <<connect_timeout>>;
    <<real_ip>>

    # The only way to write a dollar sign into a value.
    geo $tg_dollar {
        default "$";
    }

    # --- What is cut off the target: everything up to the end of its first segment, which names the API.
    map $request_uri $tg_target {
        "~^/+[^/?]+/*(?<below>[^?]*)(?<query>\?.*)?$" "/$below$query";
        default "/";
    }
    # The request line is known where the target could not be read.
    map $request $tg_is_unsafe {
        <<unsafe_path>> 1;
        default 0;
    }

    # --- What the authorizer answered, in words of nginx.
    map $tg_kind $tg_scheme {
        "~^https(\+|$)" https;
        "~^http(\+|$)" http;
        default "";
    }
    # A connection that was upgraded may be silent for longer than an answer may take.
    map "$http_upgrade:$tg_kind" $tg_handler {
        "~^:.*\+short$" @short;
        "~^:.*\+standard$" @standard;
        "~\+(short|standard|long)$" @long;
        default @undecided;
    }
    map $tg_dial $tg_peer {
        <<pool_names>>
        default $tg_dial;
    }
    map $http_upgrade $tg_connection {
        "" "";
        default upgrade;
    }
    map $http_cookie $tg_cookie_mark {
        "" "";
        default present;
    }
    <<slots>>
    # A preflight that is answered is no error.
    map $tg_refused_status $tg_refused_mark {
        204 "";
        default true;
    }
    map $tg_refused_status $tg_refused_store {
        204 "";
        default no-store;
    }
    map $tg_cors_origin $tg_allow_origin {
        "" $upstream_http_access_control_allow_origin;
        default $tg_cors_origin;
    }
    map $tg_cors_origin $tg_vary {
        "" "";
        default Origin;
    }
    map $tg_cors_origin $tg_expose {
        "" "";
        default <<exposed>>;
    }

    # --- The access log, as the shipper reads it: milliseconds as a number, no headers, no query.
    map $upstream_header_time $tg_latency_ms {
        "~(?:^|[ ,:])0\.00(?<ms>[0-9])$" $ms;
        "~(?:^|[ ,:])0\.0(?<ms>[1-9][0-9])$" $ms;
        "~(?:^|[ ,:])0\.(?<ms>[1-9][0-9][0-9])$" $ms;
        "~(?:^|[ ,:])(?<s>[1-9][0-9]*)\.(?<ms>[0-9][0-9][0-9])$" $s$ms;
        default null;
    }
    # What the upstream says that the call used. Other bytes would make the line unreadable.
    map $upstream_http_x_meter $tg_meter {
        "~^[ -~]{1,1000}$" $upstream_http_x_meter;
        default "";
    }
    # The length of a chunked body is known with its head only.
    map "$content_length:$http_transfer_encoding" $tg_bytes_read {
        "~^(?<length>[0-9]+):" $length;
        "~^:.+" $request_length;
        default 0;
    }
    map $request_uri $tg_logged_path {
        "~^(?<logged>[^?]*)" $logged;
        default "";
    }
    map $tg_subscription $tg_is_refused {
        "" 1;
        default 0;
    }
    log_format tg_allowed escape=json '{"level":"info","ts":$msec,"uuid":"$request_id","request":{"remote_ip":"$remote_addr",'
        '"proto":"$server_protocol","method":"$request_method","host":"$host","uri":"$tg_logged_path"},"bytes_read":$tg_bytes_read,'
        '"duration":$request_time,"size":$body_bytes_sent,"status":$status,"subscription_id":"$tg_subscription","key_id":"$tg_key",'
        '"upstream_latency_ms":$tg_latency_ms,"gateway_error":"$tg_gateway_error","meter":"$tg_meter"}';
    log_format tg_refused escape=json '{"level":"info","ts":$msec,"uuid":"$request_id","request":{"remote_ip":"$remote_addr",'
        '"proto":"$server_protocol","method":"$request_method","host":"$host","uri":"$tg_logged_path"},"bytes_read":$tg_bytes_read,'
        '"duration":$request_time,"size":$body_bytes_sent,"status":$status,"subscription_id":null,"key_id":null,'
        '"upstream_latency_ms":null,"gateway_error":"$tg_gateway_error"}';

    upstream tollgate_authorizer {
        server <<authorizer>>;
        keepalive 512;
        keepalive_requests 1000000;
    }
    <<pools>>

    server {
        <<listen>>
        server_name _;
        # Nothing is served from it; `try_files` looks here in vain.
        root /var/empty/tollgate;
        access_log <<access_log>> tg_allowed if=$tg_subscription;
        access_log <<access_log>> tg_refused if=$tg_is_refused;

        error_page 400 414 /.tollgate/unreadable;
        error_page 494 =431 /.tollgate/header-too-large;
        error_page 404 405 = @not-found;
        error_page 413 = @too-large;
        error_page 500 502 503 504 = @undecided;

        location / {
            auth_request /.tollgate/authorize;
            <<answered>>
            error_page 401 403 = @refused;
            error_page 413 = @too-large;
            error_page 500 502 503 504 = @undecided;
            try_files /.tollgate/none $tg_handler;
        }

        location = /.tollgate/authorize {
            internal;
            proxy_pass http://tollgate_authorizer/authz/nginx;
            proxy_http_version 1.1;
            proxy_pass_request_body off;
            proxy_connect_timeout 1s;
            proxy_read_timeout <<authorizer_timeout>>;
            # An answer may hold four headers of 4 KB for the upstream.
            proxy_buffer_size 32k;
            proxy_buffers 8 32k;
            proxy_set_header Connection "";
            proxy_set_header Content-Length "";
            proxy_set_header Transfer-Encoding "";
            # That there is one, not what it says.
            proxy_set_header Cookie $tg_cookie_mark;
            proxy_set_header Upgrade "";
            proxy_set_header Expect "";
            proxy_set_header X-Forwarded-For "";
            proxy_set_header X-Tollgate-Slug "";
            proxy_set_header X-Tollgate-Secret <<secret>>;
            proxy_set_header X-Tollgate-Request-Id $request_id;
            proxy_set_header X-Tollgate-Client-Ip $remote_addr;
            proxy_set_header X-Original-Method $request_method;
            proxy_set_header X-Original-Uri $request_uri;
        }
<<upstreams>>
        # nginx threw the authorizer's body away and knows 401 and 403 only: both come as headers.
        location @refused {
            default_type application/problem+json;
            add_header X-Request-Id $request_id always;
            add_header X-Tollgate-Error $tg_refused_mark always;
            add_header Cache-Control $tg_refused_store always;
            <<readable>>
            <<rate_headers>>
            <<refusal_headers>>
            <<return_statuses>>
            <<return_gateway_unavailable>>
        }

        location @too-large {
            set $tg_gateway_error true;
            <<problem>>
            <<readable>>
            <<return_body_too_large>>
        }

        location @undecided {
            set $tg_gateway_error true;
            <<problem>>
            add_header Retry-After 1 always;
            <<return_gateway_unavailable>>
        }

        location @unreachable {
            set $tg_gateway_error true;
            <<problem>>
            <<readable>>
            <<return_upstream_unreachable>>
        }

        location @late {
            set $tg_gateway_error true;
            <<problem>>
            <<readable>>
            <<return_upstream_timeout>>
        }

        location @not-found {
            <<problem>>
            <<return_api_not_found>>
        }

        # No named location: nginx has no path to redirect from when it could not read one.
        location = /.tollgate/unreadable {
            internal;
            <<problem>>
            if ($tg_is_unsafe) { <<return_invalid_path>> }
            <<return_invalid_request>>
        }

        location = /.tollgate/header-too-large {
            internal;
            <<problem>>
            <<return_header_too_large>>
        }
    }
}
"""

UPSTREAM: Final = r"""
        location @<<name>> {
            proxy_pass $tg_scheme://$tg_peer$tg_base$tg_target;
            proxy_http_version 1.1;
            proxy_connect_timeout <<connect_timeout>>;
            proxy_send_timeout <<longest>>;
            proxy_read_timeout <<seconds>>;
            proxy_next_upstream error;
            proxy_next_upstream_tries 2;
            # As it comes, both ways: streams are not held up, large bodies not stored.
            proxy_buffering off;
            proxy_request_buffering off;
            proxy_buffer_size <<header_buffer>>;
            proxy_buffers 4 <<header_buffer>>;
            proxy_ssl_server_name on;
            proxy_ssl_name $tg_host;
            proxy_ssl_verify on;
            proxy_ssl_verify_depth 4;
            proxy_ssl_trusted_certificate <<ca_file>>;
            proxy_set_header Host $tg_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $tg_connection;
            proxy_set_header X-Subscription-Id $tg_subscription;
            <<dropped>>
            # Behind it, as lines of their own, the provider's headers.
            proxy_set_header X-Request-Id "$request_id<<last_slot>>";
            <<hidden>>
            add_header X-Request-Id $request_id always;
            add_header Access-Control-Allow-Origin $tg_allow_origin always;
            add_header Access-Control-Expose-Headers $tg_expose always;
            add_header Vary $tg_vary always;
            <<rate_headers>>
            error_page 413 = @too-large;
            error_page 500 502 503 = @unreachable;
            error_page 504 = @late;
        }
"""

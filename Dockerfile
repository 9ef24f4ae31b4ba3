# A server in a container: docker build -t kms-mock . && docker run -p 127.0.0.1:4588:4588 kms-mock
# It holds Python, the packages and the libraries that both need, and no shell (docs/image.md).
ARG PYTHON_IMAGE=python:3.13-slim
FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
RUN python3 -m venv /opt/installer && python3 -m venv --without-pip /opt/kms-mock
COPY scripts/image-rootfs scripts/
COPY pyproject.toml README.md ./
COPY docs docs
COPY fixtures fixtures
COPY kms_mock kms_mock
RUN /opt/installer/bin/pip --python /opt/kms-mock/bin/python3 install --no-cache-dir --disable-pip-version-check --quiet . \
    && scripts/image-rootfs /opt/kms-mock /rootfs

FROM scratch
COPY --from=build /rootfs /
ENV PATH=/opt/kms-mock/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TMPDIR=/state \
    KMS_MOCK_HOST=0.0.0.0 \
    KMS_MOCK_FIXTURE=/fixtures \
    KMS_MOCK_CONTROL_REMOTE=true \
    KMS_MOCK_CA_DIR=/state/ca
USER 10001:10001
VOLUME ["/fixtures", "/state"]
EXPOSE 4588
HEALTHCHECK --interval=2s --timeout=3s --start-period=10s --retries=3 CMD ["kms-mock", "health"]
ENTRYPOINT ["kms-mock"]
CMD ["serve"]

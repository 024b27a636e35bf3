//! Records a second, plain and packed. `cargo bench -p manazir-ingest`

use std::io::Write;

use divan::{Bencher, black_box, counter::ItemsCount};
use manazir_ingest::decode::{cloudtrail, unpack};

const N_RECORDS: usize = 20_000;

fn main() {
    divan::main();
}

/// Lines like those of the management events of an account, 1,100 bytes each.
fn lines() -> Vec<u8> {
    let mut lines = Vec::new();
    for index in 0..N_RECORDS {
        let name = ["DescribeInstances", "GetObject", "Decrypt", "PutMetricData"][index % 4];
        writeln!(
            lines,
            r#"{{"eventVersion":"1.09","userIdentity":{{"type":"AssumedRole","principalId":"AROAEXAMPLE{index:08}:run","arn":"arn:aws:sts::111122223333:assumed-role/build-{}/run-{index}","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE{index:08}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/build-{}","accountId":"111122223333","userName":"build"}},"attributes":{{"creationDate":"2024-05-01T09:00:00Z","mfaAuthenticated":"false"}}}}}},"eventTime":"2024-05-01T09:00:00Z","eventSource":"ec2.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.17","userAgent":"aws-sdk-go-v2/1.17.0 os/linux lang/go/1.18.10","requestParameters":{{"instancesSet":{{"items":[{{"instanceId":"i-{index:012x}"}}]}}}},"responseElements":null,"requestID":"b20c2df5-71d5-441e-84c8-{index:012x}","eventID":"450230d4-b39e-4a18-a6a0-{index:012x}","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"ec2.eu-west-1.amazonaws.com"}}}}"#,
            index % 20,
            index % 20,
        )
        .expect("a vector takes all");
    }
    lines
}

#[divan::bench]
fn ndjson(bencher: Bencher<'_, '_>) {
    let lines = lines();
    bencher.counter(ItemsCount::new(N_RECORDS)).bench_local(|| {
        let decoded = cloudtrail::decode(black_box(&lines));
        assert_eq!(decoded.parsed.len(), N_RECORDS);
    });
}

#[divan::bench]
fn ndjson_gz(bencher: Bencher<'_, '_>) {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&lines()).expect("a vector takes all");
    let packed = encoder.finish().expect("a vector takes all");
    bencher.counter(ItemsCount::new(N_RECORDS)).bench_local(|| {
        let lines = unpack(black_box(&packed), usize::MAX / 2).expect("packed above");
        assert_eq!(cloudtrail::decode(&lines).parsed.len(), N_RECORDS);
    });
}
